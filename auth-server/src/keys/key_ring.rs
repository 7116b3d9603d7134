use std::collections::HashMap;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use jsonwebtoken::{DecodingKey, Header, jwk::JwkSet};
use oauth_types::TYP_ACCESS_TOKEN;
use service_kit::SecretSetting;

use super::{KeyError, jws, key_pair::public_jwk, signer::Signer};
use crate::domain::{Algorithm, KeyState, SigningKey};

/// The `kid` of the shared secret. It is not published.
pub(super) const HS256_KID: &str = "hs256";

/// A snapshot of all keys: one signing key per algorithm, and the verification keys.
pub struct KeyRing {
    signing_keys: HashMap<Algorithm, ActiveSigningKey>,
    /// Algorithm of access tokens.
    access: Algorithm,
    pub verification_keys: HashMap<String, VerificationKey>,
    /// Keys that no longer verify tokens and only identify the user of an old ID token hint.
    pub hint_only_keys: HashMap<String, VerificationKey>,
    /// The response body of `/.well-known/jwks.json`.
    pub jwks: Bytes,
}

/// A verification key and the only algorithm that it may be used with.
pub type VerificationKey = (Algorithm, DecodingKey);

/// A signing key.
pub struct ActiveSigningKey {
    pub kid: String,
    pub algorithm: Algorithm,
    pub signer: Signer,
    /// Activation time, in seconds since 1970. `None` for the shared secret, which does not rotate.
    pub since: Option<i64>,
    /// The encoded header of access tokens, which is the same for all tokens of the key.
    access_header: String,
}

impl ActiveSigningKey {
    fn new(
        kid: &str,
        algorithm: Algorithm,
        signer: Signer,
        since: Option<i64>,
    ) -> Result<Self, KeyError> {
        let access_header = header(TYP_ACCESS_TOKEN, kid, algorithm)?;
        Ok(Self { kid: kid.to_owned(), algorithm, signer, since, access_header })
    }

    /// Returns the encoded header of a token of this type.
    pub fn header(&self, typ: &str) -> Result<String, KeyError> {
        if typ == TYP_ACCESS_TOKEN {
            return Ok(self.access_header.clone());
        }
        header(typ, &self.kid, self.algorithm)
    }
}

fn header(typ: &str, kid: &str, algorithm: Algorithm) -> Result<String, KeyError> {
    let header = Header {
        typ: Some(typ.to_owned()),
        kid: Some(kid.to_owned()),
        ..Header::new(jws(algorithm))
    };
    Ok(BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header).map_err(|_| KeyError)?))
}

impl KeyRing {
    /// Builds a ring of the stored keys. `access` is the algorithm of access tokens; `shared` is
    /// the secret for HS256. Keys retired before `published_since` are kept for hints only:
    /// otherwise a stolen one would be accepted for as long as a session lasts.
    ///
    /// # Errors
    /// Returns an error if a key cannot be parsed, or there is no signing key for access tokens.
    pub fn new(
        keys: &[SigningKey],
        access: Algorithm,
        shared: Option<&SecretSetting>,
        published_since: i64,
    ) -> Result<Self, KeyError> {
        let (mut verification_keys, mut hint_only_keys) = (HashMap::new(), HashMap::new());
        let mut published = Vec::new();
        let mut signing_keys = HashMap::new();
        for key in keys {
            let mut jwk = public_jwk(key.algorithm, &key.pkcs8)?;
            jwk.common.key_id = Some(key.kid.clone());
            let public = (key.algorithm, DecodingKey::from_jwk(&jwk).map_err(|_| KeyError)?);
            if matches!(key.state, KeyState::Retired { since } if since < published_since) {
                hint_only_keys.insert(key.kid.clone(), public);
                continue;
            }
            verification_keys.insert(key.kid.clone(), public);
            published.push(jwk);
            if let KeyState::Current { since } = key.state {
                let signer = Signer::of_key_pair(key.algorithm, &key.pkcs8)?;
                signing_keys.insert(
                    key.algorithm,
                    ActiveSigningKey::new(&key.kid, key.algorithm, signer, Some(since))?,
                );
            }
        }
        if let Some(secret) = shared {
            let secret = secret.expose().as_bytes();
            verification_keys
                .insert(HS256_KID.to_owned(), (Algorithm::HS256, DecodingKey::from_secret(secret)));
            let shared = ActiveSigningKey::new(
                HS256_KID,
                Algorithm::HS256,
                Signer::of_secret(secret),
                None,
            )?;
            signing_keys.insert(Algorithm::HS256, shared);
        }
        if !signing_keys.contains_key(&access) {
            return Err(KeyError);
        }
        let jwks = serde_json::to_vec(&JwkSet { keys: published }).map_err(|_| KeyError)?;
        Ok(Self { signing_keys, access, verification_keys, hint_only_keys, jwks: jwks.into() })
    }

    /// Returns the signing key of access tokens.
    pub fn access_token_key(&self) -> Option<&ActiveSigningKey> {
        self.signing_key(self.access)
    }

    /// Returns the signing key of an algorithm.
    pub fn signing_key(&self, algorithm: Algorithm) -> Option<&ActiveSigningKey> {
        self.signing_keys.get(&algorithm)
    }

    pub fn signing_keys(&self) -> impl Iterator<Item = &ActiveSigningKey> {
        self.signing_keys.values()
    }
}
