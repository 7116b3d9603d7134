use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    hmac,
    rand::SystemRandom,
    rsa::KeyPair as RsaKeyPair,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    },
};
use pem::{EncodeConfig, LineEnding, Pem};

use super::KeyError;
use crate::domain::Algorithm;

/// A parsed private key. The JWT library would parse and validate the key for each signature, which
/// costs half as much as an ES256 signature and more than an RS256 one.
pub enum Signer {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256(RsaKeyPair),
    Hs256(Box<hmac::Key>),
}

impl Signer {
    /// Parses the private key of a key pair.
    ///
    /// # Errors
    /// Returns an error if the key is invalid, and for HS256, which has no key pair.
    pub fn of_key_pair(algorithm: Algorithm, pkcs8: &[u8]) -> Result<Self, KeyError> {
        let signer = match algorithm {
            Algorithm::ES256 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map(Self::Es256)
            }
            Algorithm::EdDSA => Ed25519KeyPair::from_pkcs8(pkcs8).map(Self::EdDsa),
            Algorithm::RS256 => RsaKeyPair::from_pkcs8(pkcs8).map(Self::Rs256),
            Algorithm::HS256 => return Err(KeyError),
        };
        signer.map_err(|_| KeyError)
    }

    pub fn of_secret(secret: &[u8]) -> Self {
        Self::Hs256(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret)))
    }

    /// Returns the public key in PEM, which the control API signs with as if it were a secret.
    ///
    /// # Errors
    /// Returns an error for HS256, which has no public key.
    pub fn public_key_pem(&self) -> Result<String, KeyError> {
        let der: PublicKeyX509Der<'_> = match self {
            Self::Es256(key) => key.public_key().as_der(),
            Self::EdDsa(key) => key.public_key().as_der(),
            Self::Rs256(key) => key.public_key().as_der(),
            Self::Hs256(_) => return Err(KeyError),
        }
        .map_err(|_| KeyError)?;
        // A verifier that confuses the two has the key as tools write it: 64 characters in a line
        // (RFC 7468 §2), with the line ends of Unix.
        let unix = EncodeConfig::new().set_line_ending(LineEnding::LF);
        Ok(pem::encode_config(&Pem::new("PUBLIC KEY", der.as_ref()), unix))
    }

    /// Signs a message.
    ///
    /// # Errors
    /// Returns an error if the cryptography library fails.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let random = SystemRandom::new();
        match self {
            Self::Es256(key) => {
                key.sign(&random, message).map(|signature| signature.as_ref().to_vec())
            }
            Self::EdDsa(key) => Ok(key.sign(message).as_ref().to_vec()),
            Self::Rs256(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map(|()| signature)
            }
            Self::Hs256(key) => Ok(hmac::sign(key, message).as_ref().to_vec()),
        }
        .map_err(|_| KeyError)
    }
}
