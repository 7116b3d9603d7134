use std::collections::HashMap;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use claims::TYP_ACCESS_TOKEN;
use jsonwebtoken::{DecodingKey, Header, jwk::JwkSet};
use service_kit::SecretSetting;

use super::{
    key_pair::{KeyError, jws, public_jwk},
    signer::Signer,
};
use crate::domain::{Algorithm, KeyState, SigningKey};

/// The name of the shared secret among the keys. It is published nowhere.
pub(super) const HS256_KID: &str = "hs256";

/// All keys at one moment: the one that signs, and those that verify.
pub struct KeyRing {
    pub signing: Signing,
    pub verifying: HashMap<String, (Algorithm, DecodingKey)>,
    /// `/.well-known/jwks.json`, ready to send.
    pub jwks: Bytes,
}

/// The key that signs.
pub struct Signing {
    pub kid: String,
    pub algorithm: Algorithm,
    /// The header of every pass, encoded: it is the same as long as the key is.
    pub header: String,
    pub signer: Signer,
    /// Since when, in seconds; `None` for the shared secret, which does not rotate.
    pub since: Option<i64>,
}

impl Signing {
    fn new(kid: &str, algorithm: Algorithm, signer: Signer, since: Option<i64>) -> Result<Self, KeyError> {
        let header =
            Header { typ: Some(TYP_ACCESS_TOKEN.to_owned()), kid: Some(kid.to_owned()), ..Header::new(jws(algorithm)) };
        let header = BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header).map_err(|_| KeyError)?);
        Ok(Self { kid: kid.to_owned(), algorithm, header, signer, since })
    }
}

impl KeyRing {
    /// A ring of the stored keys; with a shared secret for HS256 that secret signs instead of the current key.
    ///
    /// # Errors
    /// When a key cannot be read, or none signs.
    pub fn new(keys: &[SigningKey], shared: Option<&SecretSetting>) -> Result<Self, KeyError> {
        let mut verifying = HashMap::new();
        let mut published = Vec::new();
        let mut signing = None;
        for key in keys {
            let mut jwk = public_jwk(key.algorithm, &key.pkcs8)?;
            jwk.common.key_id = Some(key.kid.clone());
            verifying.insert(key.kid.clone(), (key.algorithm, DecodingKey::from_jwk(&jwk).map_err(|_| KeyError)?));
            published.push(jwk);
            if let KeyState::Current { since } = key.state {
                let signer = Signer::of_key_pair(key.algorithm, &key.pkcs8)?;
                signing = Some(Signing::new(&key.kid, key.algorithm, signer, Some(since))?);
            }
        }
        if let Some(secret) = shared {
            let secret = secret.expose().as_bytes();
            verifying.insert(HS256_KID.to_owned(), (Algorithm::HS256, DecodingKey::from_secret(secret)));
            signing = Some(Signing::new(HS256_KID, Algorithm::HS256, Signer::of_secret(secret), None)?);
        }
        let jwks = serde_json::to_vec(&JwkSet { keys: published }).map_err(|_| KeyError)?;
        Ok(Self { signing: signing.ok_or(KeyError)?, verifying, jwks: jwks.into() })
    }
}
