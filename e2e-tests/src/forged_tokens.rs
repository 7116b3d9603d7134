//! Forged access tokens, assembled by hand because JWT libraries refuse to create them.

use auth_server::{
    domain::{KeyState, SigningKey},
    storage::Store,
};
use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;

/// An attacker with the private signing key of a C.
pub struct Forger(SigningKey);

impl Forger {
    /// Reads the current signing key of this C.
    pub async fn with_key_of(store: &dyn Store) -> Self {
        let keys = store.signing_keys().await.unwrap();
        Self(keys.into_iter().find(|key| matches!(key.state, KeyState::Current { .. })).unwrap())
    }

    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", encode(header), encode(claims));
        let key =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &self.0.pkcs8).unwrap();
        let signature = key.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}

/// Returns a token signed with HMAC-SHA256 and any secret.
pub fn hmac_signed(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let message = format!("{}.{}", encode(header), encode(claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
    format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag))
}

/// Returns a token with an empty signature.
pub fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.{}.", encode(header), encode(claims))
}

/// Returns a token with the signature of `token`.
pub fn under_signature_of(token: &str, header: &Value, claims: &Value) -> String {
    format!("{}.{}.{}", encode(header), encode(claims), token.rsplit('.').next().unwrap())
}

pub fn header(token: &str) -> Value {
    part(token, 0)
}

pub fn claims(token: &str) -> Value {
    part(token, 1)
}

pub fn kid(token: &str) -> String {
    header(token)["kid"].as_str().unwrap().to_owned()
}

/// Returns `value` with one member set.
pub fn with(value: &Value, name: &str, member: impl Into<Value>) -> Value {
    let mut changed = value.clone();
    changed[name] = member.into();
    changed
}

fn part(token: &str, which: usize) -> Value {
    serde_json::from_slice(
        &BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(which).unwrap()).unwrap(),
    )
    .unwrap()
}

fn encode(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}
