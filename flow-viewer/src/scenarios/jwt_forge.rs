//! Builds JWTs by hand: a JWT library would refuse to produce most of these.

use anyhow::Context;
use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use oauth_types::AccessToken;
use serde_json::{Value, json};

/// The parts of a JWT, to be changed and signed again.
pub(super) struct JwtParts {
    pub(super) header: Value,
    pub(super) claims: Value,
    signature: String,
}

impl JwtParts {
    /// Splits an access token.
    pub(super) fn of(token: &AccessToken) -> anyhow::Result<Self> {
        let mut parts = token.expose().split('.');
        let mut json = || {
            let part = BASE64_URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
            serde_json::from_slice(&part).ok()
        };
        let (header, claims): (Option<Value>, Option<Value>) = (json(), json());
        let opaque = "the access token is opaque; this scenario needs a client that gets JWTs";
        let signature = parts.next().context(opaque)?.to_owned();
        Ok(Self { header: header.context(opaque)?, claims: claims.context(opaque)?, signature })
    }

    fn signing_input(&self) -> String {
        let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}", encode(&self.header), encode(&self.claims))
    }

    /// The changed token with the signature of the original one.
    pub(super) fn with_original_signature(&self) -> AccessToken {
        AccessToken::new(format!("{}.{}", self.signing_input(), self.signature))
    }

    /// The token with an empty signature.
    pub(super) fn unsigned(&self) -> AccessToken {
        AccessToken::new(format!("{}.", self.signing_input()))
    }

    /// The token with an ES256 signature of this key.
    pub(super) fn signed_by(&self, key: &AttackerKey) -> anyhow::Result<AccessToken> {
        let input = self.signing_input();
        let signature = key.0.sign(&SystemRandom::new(), input.as_bytes());
        let signature = signature.ok().context("signing failed")?;
        Ok(AccessToken::new(format!("{input}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))))
    }

    /// The token with an HS256 tag under any secret.
    pub(super) fn signed_with_hmac(&self, secret: &[u8]) -> AccessToken {
        let input = self.signing_input();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
        AccessToken::new(format!("{input}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag)))
    }
}

/// A signing key that C has never seen.
pub(super) struct AttackerKey(EcdsaKeyPair);

impl AttackerKey {
    pub(super) fn generate() -> anyhow::Result<Self> {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
        Ok(Self(key.ok().context("key generation failed")?))
    }

    /// The public key as a JWK (RFC 7517).
    pub(super) fn jwk(&self) -> Value {
        // An uncompressed point: the byte 4, then both coordinates.
        let (x, y) = self.0.public_key().as_ref().get(1..).unwrap_or_default().split_at(32);
        let encode = |part: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(part);
        json!({ "kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y) })
    }
}
