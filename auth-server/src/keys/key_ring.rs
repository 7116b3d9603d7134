use std::collections::HashMap;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use jsonwebtoken::{DecodingKey, Header, jwk::JwkSet};
use oauth_types::TYP_ACCESS_TOKEN;
use service_kit::SecretSetting;

use super::{KeyError, jws, key_pair::public_jwk, signer::Signer};
use crate::domain::{Algorithm, KeyState, SigningKey};

/// The name of the shared secret among the keys. It is published nowhere.
pub(super) const HS256_KID: &str = "hs256";

/// All keys at one moment: those that sign, one for each algorithm, and those that verify.
pub struct KeyRing {
    signing: HashMap<Algorithm, Signing>,
    /// How access tokens are signed.
    access: Algorithm,
    pub verifying: HashMap<String, Verifying>,
    /// Keys that verify no token any more, but tell whom an old ID token was about.
    pub hint_only_keys: HashMap<String, Verifying>,
    /// `/.well-known/jwks.json`, ready to send.
    pub jwks: Bytes,
}

/// A key that verifies, under its own algorithm alone.
pub type Verifying = (Algorithm, DecodingKey);

/// A key that signs.
pub struct Signing {
    pub kid: String,
    pub algorithm: Algorithm,
    pub signer: Signer,
    /// Since when, in seconds; `None` for the shared secret, which does not rotate.
    pub since: Option<i64>,
    /// The header of every access token, encoded: it is the same as long as the key is.
    access_header: String,
}

impl Signing {
    fn new(
        kid: &str,
        algorithm: Algorithm,
        signer: Signer,
        since: Option<i64>,
    ) -> Result<Self, KeyError> {
        let access_header = header(TYP_ACCESS_TOKEN, kid, algorithm)?;
        Ok(Self { kid: kid.to_owned(), algorithm, signer, since, access_header })
    }

    /// The encoded header of a token of this type.
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
    /// A ring of the stored keys, in which `access` signs access tokens; with a shared secret for
    /// HS256 that secret does. Keys that retired before `published_since` are in it for hints
    /// alone: whoever has stolen one would else have it believed for as long as a session lives.
    ///
    /// # Errors
    /// When a key cannot be read, or none signs access tokens.
    pub fn new(
        keys: &[SigningKey],
        access: Algorithm,
        shared: Option<&SecretSetting>,
        published_since: i64,
    ) -> Result<Self, KeyError> {
        let (mut verifying, mut hint_only_keys) = (HashMap::new(), HashMap::new());
        let mut published = Vec::new();
        let mut signing = HashMap::new();
        for key in keys {
            let mut jwk = public_jwk(key.algorithm, &key.pkcs8)?;
            jwk.common.key_id = Some(key.kid.clone());
            let public = (key.algorithm, DecodingKey::from_jwk(&jwk).map_err(|_| KeyError)?);
            if matches!(key.state, KeyState::Retired { since } if since < published_since) {
                hint_only_keys.insert(key.kid.clone(), public);
                continue;
            }
            verifying.insert(key.kid.clone(), public);
            published.push(jwk);
            if let KeyState::Current { since } = key.state {
                let signer = Signer::of_key_pair(key.algorithm, &key.pkcs8)?;
                signing.insert(
                    key.algorithm,
                    Signing::new(&key.kid, key.algorithm, signer, Some(since))?,
                );
            }
        }
        if let Some(secret) = shared {
            let secret = secret.expose().as_bytes();
            verifying
                .insert(HS256_KID.to_owned(), (Algorithm::HS256, DecodingKey::from_secret(secret)));
            let shared =
                Signing::new(HS256_KID, Algorithm::HS256, Signer::of_secret(secret), None)?;
            signing.insert(Algorithm::HS256, shared);
        }
        if !signing.contains_key(&access) {
            return Err(KeyError);
        }
        let jwks = serde_json::to_vec(&JwkSet { keys: published }).map_err(|_| KeyError)?;
        Ok(Self { signing, access, verifying, hint_only_keys, jwks: jwks.into() })
    }

    /// The key that signs access tokens.
    pub fn for_access_tokens(&self) -> Option<&Signing> {
        self.of(self.access)
    }

    /// The key that signs with this algorithm.
    pub fn of(&self, algorithm: Algorithm) -> Option<&Signing> {
        self.signing.get(&algorithm)
    }

    pub fn all_signing(&self) -> impl Iterator<Item = &Signing> {
        self.signing.values()
    }
}
