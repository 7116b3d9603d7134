//! Tokens of the control API whose signature is wrong, and in which way.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, DecodingKey, jwk::Jwk};
use serde_json::{Value, json};

use super::{Controlled, tokens::shop};
use crate::{jwt, test_server::ORDERS};

impl Controlled {
    async fn forged(&self, algorithm: &str, flaw: &str) -> String {
        self.minted(shop(json!({ "algorithm": algorithm, "flaws": [flaw] }))).await
    }

    /// Returns the published key with which the server signs.
    async fn current_key(&self, algorithm: &str) -> Value {
        let right = self.minted(shop(json!({ "algorithm": algorithm }))).await;
        let kid = json!(jwt::kid(&right));
        let published = self.server.published_keys().await;
        published.into_iter().find(|key| key["kid"] == kid).unwrap()
    }
}

#[tokio::test]
async fn foreign_key_of_each_algorithm_is_refused() {
    let controlled = Controlled::start().await;
    for algorithm in ["ES256", "EdDSA", "RS256"] {
        let token = controlled.forged(algorithm, "foreign_key").await;
        assert_eq!(jwt::header(&token)["alg"], json!(algorithm));
        assert!(!controlled.server.is_active(ORDERS, &token).await, "{algorithm}");
    }
}

#[tokio::test]
async fn token_with_an_unknown_kid_is_signed_with_the_current_key() {
    let controlled = Controlled::start().await;
    for (name, algorithm) in [("ES256", Algorithm::ES256), ("EdDSA", Algorithm::EdDSA)] {
        let current: Jwk = serde_json::from_value(controlled.current_key(name).await).unwrap();
        let key = DecodingKey::from_jwk(&current).unwrap();
        for (flaw, verifies) in [("unknown_kid", true), ("foreign_key", false)] {
            let token = controlled.forged(name, flaw).await;
            assert_eq!(jwt::is_signed_with(&token, &key, algorithm), verifies, "{name}, {flaw}");
        }
    }
}

/// The confusion of RS256 and HS256 in verifiers that take the public key as a PEM text.
#[tokio::test]
async fn hs256_with_public_key_verifies_with_the_pem_of_the_published_key() {
    let controlled = Controlled::start().await;
    for algorithm in ["ES256", "EdDSA"] {
        let pem = pem(&controlled.current_key(algorithm).await);
        let token = controlled.forged(algorithm, "hs256_with_public_key").await;
        let key = DecodingKey::from_secret(pem.as_bytes());
        assert!(jwt::is_signed_with(&token, &key, Algorithm::HS256), "{algorithm}: {pem}");
    }
}

/// Encodes a public key of an elliptic curve as `openssl pkey -pubout` does (RFC 5480 §2, RFC 7468
/// §13, RFC 8410 §4).
fn pem(jwk: &Value) -> String {
    const P256: &[u8] = b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\
        \x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04";
    const ED25519: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
    let coordinate = |name: &str| {
        let text = jwk[name].as_str().unwrap_or_default();
        BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()
    };
    let prefix = if jwk["kty"] == "EC" { P256 } else { ED25519 };
    let der = [prefix, &coordinate("x"), &coordinate("y")].concat();
    let body = BASE64_STANDARD.encode(der);
    let lines: Vec<_> = body.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
}
