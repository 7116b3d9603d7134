//! Passes made by hand, byte by byte: no library stands between an attack and B.

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

/// Whoever holds a private key of some C.
pub struct Forger(SigningKey);

impl Forger {
    /// With the key that this C signs with now.
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

/// Signed with HMAC, with anything as its secret.
pub fn hmac_signed(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let message = format!("{}.{}", encode(header), encode(claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
    format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag))
}

/// Not signed at all.
pub fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.{}.", encode(header), encode(claims))
}

/// Under the signature of another pass.
pub fn under_signature_of(pass: &str, header: &Value, claims: &Value) -> String {
    format!("{}.{}.{}", encode(header), encode(claims), pass.rsplit('.').next().unwrap())
}

pub fn header(pass: &str) -> Value {
    part(pass, 0)
}

pub fn claims(pass: &str) -> Value {
    part(pass, 1)
}

pub fn kid(pass: &str) -> String {
    header(pass)["kid"].as_str().unwrap().to_owned()
}

/// With one member set.
pub fn with(value: &Value, name: &str, member: impl Into<Value>) -> Value {
    let mut changed = value.clone();
    changed[name] = member.into();
    changed
}

fn part(pass: &str, which: usize) -> Value {
    serde_json::from_slice(
        &BASE64_URL_SAFE_NO_PAD.decode(pass.split('.').nth(which).unwrap()).unwrap(),
    )
    .unwrap()
}

fn encode(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}
