use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use jsonwebtoken::{
    Algorithm as Jws, EncodingKey,
    jwk::{Jwk, PublicKeyUse, ThumbprintHash},
};
use zeroize::Zeroizing;

use crate::domain::{Algorithm, NewKey};

/// A key could not be generated or parsed. The error of the library is dropped, because it may
/// quote the key.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a signing key cannot be generated or parsed")]
pub struct KeyError;

/// Generates a key pair. The `kid` is its thumbprint (RFC 7638) and therefore unique. It does not
/// begin with a hyphen, because `keys withdraw` would read it as an option.
///
/// # Errors
/// Returns an error if the cryptography library fails, and for HS256, whose secret is a setting.
pub fn generate(algorithm: Algorithm) -> Result<NewKey, KeyError> {
    loop {
        let pkcs8 = Zeroizing::new(private_key(algorithm)?);
        let jwk = public_jwk(algorithm, &pkcs8)?;
        let kid = jwk.thumbprint(ThumbprintHash::SHA256).map_err(|_| KeyError)?;
        if !kid.starts_with('-') {
            return Ok(NewKey { kid, algorithm, pkcs8 });
        }
    }
}

fn private_key(algorithm: Algorithm) -> Result<Vec<u8>, KeyError> {
    match algorithm {
        Algorithm::ES256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .and_then(|pair| pair.to_pkcs8v1())
            .map(|der| der.as_ref().to_vec())
            .map_err(|_| KeyError),
        // PKCS #8 version 2, which includes the public key, is not supported by the library that
        // signs.
        Algorithm::EdDSA => Ed25519KeyPair::generate()
            .and_then(|pair| pair.to_pkcs8v1())
            .map(|der| der.as_ref().to_vec())
            .map_err(|_| KeyError),
        Algorithm::RS256 => RsaKeyPair::generate(KeySize::Rsa2048)
            .and_then(|pair| {
                AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).map(|der| der.as_ref().to_vec())
            })
            .map_err(|_| KeyError),
        Algorithm::HS256 => Err(KeyError),
    }
}

/// Returns the private key in the form of the JWT library.
fn encoding_key(algorithm: Algorithm, pkcs8: &[u8]) -> Result<EncodingKey, KeyError> {
    match algorithm {
        Algorithm::ES256 => Ok(EncodingKey::from_ec_der(pkcs8)),
        Algorithm::EdDSA => Ok(EncodingKey::from_ed_der(pkcs8)),
        Algorithm::RS256 => {
            let body = Zeroizing::new(BASE64_STANDARD.encode(pkcs8));
            let pem = Zeroizing::new(format!(
                "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
                body.as_str()
            ));
            EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(|_| KeyError)
        }
        Algorithm::HS256 => Err(KeyError),
    }
}

/// Returns the public key as a JWK.
pub(super) fn public_jwk(algorithm: Algorithm, pkcs8: &[u8]) -> Result<Jwk, KeyError> {
    let key = encoding_key(algorithm, pkcs8)?;
    let mut jwk = Jwk::from_encoding_key(&key, jws(algorithm)).map_err(|_| KeyError)?;
    // `use` and `key_ops` should not be used together (RFC 7517 §4.3). Some clients reject keys
    // that have both.
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    Ok(jwk)
}

pub fn jws(algorithm: Algorithm) -> Jws {
    match algorithm {
        Algorithm::ES256 => Jws::ES256,
        Algorithm::EdDSA => Jws::EdDSA,
        Algorithm::RS256 => Jws::RS256,
        Algorithm::HS256 => Jws::HS256,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_jwk_has_no_private_members() {
        for algorithm in [Algorithm::ES256, Algorithm::EdDSA, Algorithm::RS256] {
            let key = generate(algorithm).unwrap();
            let jwk = serde_json::to_value(public_jwk(algorithm, &key.pkcs8).unwrap()).unwrap();
            assert_eq!(jwk["alg"], algorithm.as_str());
            for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
                assert!(jwk.get(private).is_none(), "{private} of {jwk}");
            }
        }
        assert!(generate(Algorithm::HS256).is_err());
    }

    /// One in 64 thumbprints does.
    #[test]
    fn kid_does_not_begin_with_a_hyphen() {
        for _ in 0..500 {
            let key = generate(Algorithm::ES256).unwrap();
            assert!(!key.kid.starts_with('-'), "{}", key.kid);
        }
    }
}
