//! Signs JWTs with arbitrary headers and claims.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        Ed25519KeyPair,
    },
};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
pub use jsonwebtoken::Algorithm;
use jsonwebtoken::{EncodingKey, crypto, jwk::Jwk};
use serde_json::{Value, json};

/// A private key that signs arbitrary headers and claims.
pub struct Signer {
    pub kid: String,
    pub algorithm: Algorithm,
    key: EncodingKey,
}

impl Signer {
    pub fn es256(kid: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let key = EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref());
        Self { kid: kid.to_owned(), algorithm: Algorithm::ES256, key }
    }

    pub fn eddsa(kid: &str) -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let key = EncodingKey::from_ed_der(pair.to_pkcs8v1().unwrap().as_ref());
        Self { kid: kid.to_owned(), algorithm: Algorithm::EdDSA, key }
    }

    pub fn es384(kid: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        let key = EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref());
        Self { kid: kid.to_owned(), algorithm: Algorithm::ES384, key }
    }

    pub fn rs256(kid: &str) -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let key = EncodingKey::from_rsa_pem(private_key_pem(der.as_ref()).as_bytes()).unwrap();
        Self { kid: kid.to_owned(), algorithm: Algorithm::RS256, key }
    }

    /// Returns a signer with the same key and another algorithm, which has to fit the key.
    pub fn with_algorithm(&self, algorithm: Algorithm) -> Self {
        Self { kid: self.kid.clone(), algorithm, key: self.key.clone() }
    }

    pub fn hs256(kid: &str, secret: &[u8]) -> Self {
        let key = EncodingKey::from_secret(secret);
        Self { kid: kid.to_owned(), algorithm: Algorithm::HS256, key }
    }

    /// Returns the public key as a JWK with `kid` and `use`, as an issuer publishes it.
    pub fn jwk(&self) -> Value {
        let jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        let mut jwk = serde_json::to_value(jwk).unwrap();
        (jwk["kid"], jwk["use"]) = (json!(self.kid), json!("sig"));
        jwk
    }

    /// Returns a header with the members `alg` and `kid`.
    pub fn header(&self) -> Value {
        json!({ "alg": format!("{:?}", self.algorithm), "kid": self.kid })
    }

    /// Signs a JWT whose header has these members besides `alg` and `kid`.
    pub fn sign(&self, more_header: &Value, claims: &Value) -> String {
        let mut header = self.header();
        header.as_object_mut().unwrap().extend(more_header.as_object().unwrap().clone());
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    /// Signs header and claims as they are, valid JSON or not.
    pub fn sign_text(&self, header: &str, claims: &str) -> String {
        let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = crypto::sign(message.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }
}

/// Encodes a header or a payload as a part of a JWT.
pub fn jwt_part(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}

/// Generates a P-256 private key and returns it as PKCS #8 in PEM.
pub fn new_ec_private_key_pem() -> String {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    private_key_pem(pair.to_pkcs8v1().unwrap().as_ref())
}

fn private_key_pem(der: &[u8]) -> String {
    format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        BASE64_STANDARD.encode(der)
    )
}
