//! JWTs that the provider signed: ID tokens, logout tokens and signed userinfo responses.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, crypto};
use oauth_types::{Claims, JwtHeader, printable};

use super::{
    OpenIdProvider,
    keys::{KeyError, parse_algorithm},
    metadata::Metadata,
};
use crate::providers::ProviderError;

/// A JWT whose signature is not verified yet. Its header may be forged.
pub(super) struct SignedJwt<'a> {
    pub(super) algorithm: Algorithm,
    /// Lower-case media type of the JWT, without `application/` (RFC 7515 §4.1.9).
    pub(super) typ: Option<String>,
    kid: Option<String>,
    /// Header and payload, the signed text.
    message: &'a str,
    signature: &'a str,
}

/// Why a JWT is not one of the provider's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SignatureError {
    /// The provider does not publish the key.
    UnknownKey,
    AmbiguousKey,
    /// The signature is not of the key that the header names.
    WrongSignature,
    Malformed(String),
}

/// Why the claims of a JWT cannot be used.
#[derive(Debug)]
pub(super) enum JwtError {
    Invalid(String),
    /// The keys could not be fetched.
    Provider(ProviderError),
}

impl<'a> SignedJwt<'a> {
    pub(super) fn parse(token: &'a str) -> Result<Self, SignatureError> {
        let malformed = |reason: &str| SignatureError::Malformed(reason.to_owned());
        let JwtHeader { alg, typ, kid } =
            JwtHeader::parse(token).map_err(|error| malformed(&error.to_string()))?;
        let (message, signature) = token.rsplit_once('.').unwrap_or_default();
        let algorithm = parse_algorithm(&alg).ok_or_else(|| {
            let alg: String = printable(&alg).chars().take(20).collect();
            malformed(&format!("`alg` is `{alg}`, which is not accepted"))
        })?;
        let typ = typ.map(|typ| {
            let typ = typ.to_ascii_lowercase();
            typ.strip_prefix("application/").map(str::to_owned).unwrap_or(typ)
        });
        Ok(Self { algorithm, typ, kid, message, signature })
    }

    fn verify(&self, metadata: &Metadata) -> Result<Claims, SignatureError> {
        let key =
            metadata.keys.find(self.kid.as_deref(), self.algorithm).map_err(
                |error| match error {
                    KeyError::Unknown => SignatureError::UnknownKey,
                    KeyError::Ambiguous => SignatureError::AmbiguousKey,
                },
            )?;
        let valid = crypto::verify(self.signature, self.message.as_bytes(), key, self.algorithm);
        if !valid.unwrap_or(false) {
            return Err(SignatureError::WrongSignature);
        }
        let (_, payload) = self.message.split_once('.').unwrap_or_default();
        decode(payload).ok_or_else(|| {
            let reason = "its claims are not a JSON object with distinct members";
            SignatureError::Malformed(reason.to_owned())
        })
    }
}

impl OpenIdProvider {
    /// Verifies the signature and returns the claims. Fetches metadata and keys once if the key is
    /// unknown or another one, because the provider may have replaced it.
    pub(super) async fn verify_signature(
        &self,
        metadata: &Arc<Metadata>,
        jwt: &SignedJwt<'_>,
    ) -> Result<Claims, JwtError> {
        let failure = match jwt.verify(metadata) {
            Ok(claims) => return Ok(claims),
            Err(failure) => failure,
        };
        let fresh = match &failure {
            SignatureError::UnknownKey | SignatureError::AmbiguousKey => {
                self.discovery.refresh(metadata).await.map_err(JwtError::Provider)?
            }
            // The reason holds whether or not the provider responds.
            SignatureError::WrongSignature => match self.discovery.refresh(metadata).await {
                Ok(fresh) => fresh,
                Err(_) => return Err(failure.into()),
            },
            SignatureError::Malformed(_) => return Err(failure.into()),
        };
        Ok(jwt.verify(&fresh)?)
    }
}

/// Returns the claims of a JWT that was verified before.
pub(super) fn verified_claims(token: &str) -> Option<Claims> {
    decode(token.split('.').nth(1)?)
}

fn decode(part: &str) -> Option<Claims> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

impl From<SignatureError> for JwtError {
    fn from(error: SignatureError) -> Self {
        Self::Invalid(match error {
            SignatureError::UnknownKey => {
                "the provider does not publish the signing key".to_owned()
            }
            SignatureError::AmbiguousKey => {
                "its header does not tell which key of the provider signed it (`kid`)".to_owned()
            }
            SignatureError::WrongSignature => "its signature is invalid".to_owned(),
            SignatureError::Malformed(reason) => reason,
        })
    }
}
