use anyhow::{Context, anyhow};
use auth_server::{domain::KeyState, storage::Store};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, jwk::Jwk};
use oauth_types::{AccessTokenClaims, Audience, Claims, TYP_ACCESS_TOKEN};

use crate::requests::{CLIENT_ID, RESOURCE, SCOPE};

const TTL_SECONDS: i64 = 1_800;

/// Creates access tokens with C's own key. Like C, it parses the key once: the JWT library would
/// parse it for each signature and slow down the limit.
pub struct TokenFactory {
    header: String,
    pair: EcdsaKeyPair,
    public: DecodingKey,
    /// The claims of each token, except `jti`.
    pub claims: AccessTokenClaims,
}

impl TokenFactory {
    pub async fn open(store: &dyn Store, issuer: String, now: i64) -> anyhow::Result<Self> {
        let keys = store.signing_keys().await?;
        let current = keys.into_iter().find(|key| matches!(key.state, KeyState::Current { .. }));
        let current = current.context("C has no current signing key")?;
        let key = EncodingKey::from_ec_der(&current.pkcs8);
        let typ = Some(TYP_ACCESS_TOKEN.to_owned());
        let header = Header { typ, kid: Some(current.kid), ..Header::new(Algorithm::ES256) };
        let claims = AccessTokenClaims {
            iss: issuer,
            sub: CLIENT_ID.to_owned(),
            aud: Audience::new([RESOURCE]),
            exp: now + TTL_SECONDS,
            iat: now,
            nbf: None,
            jti: "01234567-89ab-7cde-8f01-23456789abcd".to_owned(),
            client_id: CLIENT_ID.to_owned(),
            scope: SCOPE.parse()?,
            act: None,
            extra: Claims::default(),
        };
        Ok(Self {
            header: BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header)?),
            pair: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &current.pkcs8)?,
            public: DecodingKey::from_jwk(&Jwk::from_encoding_key(&key, Algorithm::ES256)?)?,
            claims,
        })
    }

    /// Issues a token with this `jti`.
    pub fn token(&self, jti: &str) -> anyhow::Result<String> {
        self.sign(&AccessTokenClaims { jti: jti.to_owned(), ..self.claims.clone() })
    }

    pub fn sign(&self, claims: &AccessTokenClaims) -> anyhow::Result<String> {
        let mut token = format!("{}.", self.header);
        BASE64_URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(claims)?, &mut token);
        let signature = self.pair.sign(&SystemRandom::new(), token.as_bytes());
        token.push('.');
        BASE64_URL_SAFE_NO_PAD
            .encode_string(signature.map_err(|_| anyhow!("signing failed"))?, &mut token);
        Ok(token)
    }

    pub fn public_key(&self) -> DecodingKey {
        self.public.clone()
    }
}
