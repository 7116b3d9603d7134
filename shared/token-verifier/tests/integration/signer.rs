use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, crypto, jwk::Jwk};
use oauth_types::AccessToken;
use serde_json::{Value, json};

use crate::setup::{ISSUER, NOW, RESOURCE};

/// A private key that signs arbitrary tokens.
pub struct Signer {
    pub kid: &'static str,
    algorithm: Algorithm,
    key: EncodingKey,
}

impl Signer {
    pub fn es256(kid: &'static str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self {
            kid,
            algorithm: Algorithm::ES256,
            key: EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref()),
        }
    }

    pub fn eddsa(kid: &'static str) -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        Self {
            kid,
            algorithm: Algorithm::EdDSA,
            key: EncodingKey::from_ed_der(pair.to_pkcs8v1().unwrap().as_ref()),
        }
    }

    pub fn rs256(kid: &'static str) -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let body = BASE64_STANDARD.encode(der.as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
        Self {
            kid,
            algorithm: Algorithm::RS256,
            key: EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap(),
        }
    }

    pub fn hs256(secret: &[u8]) -> Self {
        Self { kid: "shared", algorithm: Algorithm::HS256, key: EncodingKey::from_secret(secret) }
    }

    /// Returns the public key, as the issuer publishes it.
    pub fn jwk(&self) -> Value {
        let mut jwk =
            serde_json::to_value(Jwk::from_encoding_key(&self.key, self.algorithm).unwrap())
                .unwrap();
        jwk["kid"] = json!(self.kid);
        jwk["use"] = json!("sig");
        jwk
    }

    /// Returns a token that is valid for half an hour.
    pub fn token(&self) -> AccessToken {
        self.token_with(|_, _| ())
    }

    /// Returns a valid token whose header and claims were modified by `change` before signing.
    pub fn token_with(&self, change: impl FnOnce(&mut Value, &mut Value)) -> AccessToken {
        let mut header =
            json!({ "alg": format!("{:?}", self.algorithm), "typ": "at+jwt", "kid": self.kid });
        let mut claims = json!({
            "iss": ISSUER, "sub": "service-a", "aud": RESOURCE, "exp": NOW + 1_800, "iat": NOW,
            "jti": "t-1", "client_id": "service-a", "scope": "resource:read",
        });
        change(&mut header, &mut claims);
        self.sign(&header, &claims)
    }

    /// Returns a token with a `jti` of its own.
    pub fn token_number(&self, number: usize) -> AccessToken {
        self.token_with(|_, claims| claims["jti"] = json!(format!("t-{number}")))
    }

    fn sign(&self, header: &Value, claims: &Value) -> AccessToken {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    /// Signs text that need not be valid JSON.
    pub fn sign_text(&self, header: &str, claims: &str) -> AccessToken {
        let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = crypto::sign(message.as_bytes(), &self.key, self.algorithm).unwrap();
        AccessToken::new(format!("{message}.{signature}"))
    }
}

/// Encodes a header or payload for a JWT.
pub fn encode_segment(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}
