//! Passes made by hand: no library stands between a story and B.

use anyhow::Context;
use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use oauth_types::AccessToken;
use serde_json::{Value, json};

/// The parts of a pass, to be changed and put together again.
pub(super) struct Parts {
    pub(super) header: Value,
    pub(super) claims: Value,
    signature: String,
}

impl Parts {
    pub(super) fn of(pass: &AccessToken) -> anyhow::Result<Self> {
        let mut parts = pass.expose().split('.');
        let mut json = || {
            let part = BASE64_URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
            serde_json::from_slice(&part).ok()
        };
        let (header, claims): (Option<Value>, Option<Value>) = (json(), json());
        let opaque = "the pass is no JWT: these stories need a client with JWTs";
        let signature = parts.next().context(opaque)?.to_owned();
        Ok(Self { header: header.context(opaque)?, claims: claims.context(opaque)?, signature })
    }

    fn message(&self) -> String {
        let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}", encode(&self.header), encode(&self.claims))
    }

    /// Under the signature that it had before it was changed.
    pub(super) fn under_the_old_signature(&self) -> AccessToken {
        AccessToken::new(format!("{}.{}", self.message(), self.signature))
    }

    pub(super) fn unsigned(&self) -> AccessToken {
        AccessToken::new(format!("{}.", self.message()))
    }

    pub(super) fn signed_by(&self, forger: &Forger) -> anyhow::Result<AccessToken> {
        let message = self.message();
        let signature =
            forger.0.sign(&SystemRandom::new(), message.as_bytes()).ok().context("no signature")?;
        Ok(AccessToken::new(format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))))
    }

    /// With HMAC, and anything as its secret.
    pub(super) fn signed_with_secret(&self, secret: &[u8]) -> AccessToken {
        let message = self.message();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
        AccessToken::new(format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag)))
    }
}

/// Somebody with a key that C has never seen.
pub(super) struct Forger(EcdsaKeyPair);

impl Forger {
    pub(super) fn new() -> anyhow::Result<Self> {
        Ok(Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).ok().context("no key")?))
    }

    /// The public half, as a header would bring it along.
    pub(super) fn jwk(&self) -> Value {
        // An uncompressed point: 4, then both coordinates.
        let (x, y) = self.0.public_key().as_ref().get(1..).unwrap_or_default().split_at(32);
        let encode = |part: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(part);
        json!({ "kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y) })
    }
}
