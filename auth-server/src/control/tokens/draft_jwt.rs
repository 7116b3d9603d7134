use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use tokio::task::spawn_blocking;

use super::flaw::Flaw;
use crate::{
    domain::{Algorithm, JwtType},
    keys::{ActiveSigningKey, KeyError, Signer, generate, jws},
};

/// An issuer, an audience and a nonce that no test uses by chance.
const WRONG_ISSUER: &str = "https://wrong-issuer.example";
const WRONG_AUDIENCE: &str = "https://wrong-audience.example";
const WRONG_NONCE: &str = "wrong-nonce";
/// The `at_hash` of no token: 16 zero bytes.
const WRONG_AT_HASH: &str = "AAAAAAAAAAAAAAAAAAAAAA";
const UNKNOWN_KID: &str = "unknown-kid";
const UNKNOWN_EXTENSION: &str = "unknown-extension";
/// How far an expired token, or one that is not valid yet, lies in the past or future.
const WRONG_BY_SECONDS: i64 = 3_600;

/// Header and claims of a JWT before it is signed.
pub struct DraftJwt {
    pub header: Map<String, Value>,
    pub claims: Map<String, Value>,
}

impl DraftJwt {
    /// Returns a draft of what this server issues.
    pub fn new(typ: &str, signing: &ActiveSigningKey, claims: Map<String, Value>) -> Self {
        let mut header = Map::new();
        header.insert("typ".to_owned(), json!(typ));
        header.insert("alg".to_owned(), json!(jws(signing.algorithm)));
        header.insert("kid".to_owned(), json!(signing.kid));
        Self { header, claims }
    }

    /// Writes the flaws of header and signature into the header.
    pub fn apply_all(&mut self, flaws: &[Flaw]) {
        for flaw in flaws {
            self.apply(*flaw);
        }
    }

    fn apply(&mut self, flaw: Flaw) {
        match flaw {
            Flaw::UnknownKid => self.set_header("kid", json!(UNKNOWN_KID)),
            Flaw::NoKid => {
                self.header.remove("kid");
            }
            Flaw::CriticalHeader => {
                self.set_header("crit", json!([UNKNOWN_EXTENSION]));
                self.set_header(UNKNOWN_EXTENSION, json!(true));
            }
            Flaw::WrongTyp => {
                let is_access_token = self.header.get("typ") == Some(&json!(JwtType::AtJwt));
                let wrong = if is_access_token { JwtType::Jwt } else { JwtType::AtJwt };
                self.set_header("typ", json!(wrong));
            }
            Flaw::AlgNone => self.set_header("alg", json!("none")),
            Flaw::Hs256WithPublicKey => self.set_header("alg", json!("HS256")),
            _ => {}
        }
    }

    fn set_header(&mut self, name: &str, value: Value) {
        self.header.insert(name.to_owned(), value);
    }

    /// Signs the token with this server's key, or as a flaw of the signature demands.
    ///
    /// # Errors
    /// Returns an error if the cryptography library fails.
    pub async fn sign(
        &self,
        signing: &ActiveSigningKey,
        flaw: Option<Flaw>,
    ) -> Result<String, KeyError> {
        let input = self.signing_input()?;
        let signature = match flaw {
            Some(Flaw::AlgNone) => Vec::new(),
            Some(Flaw::Signature) => {
                let mut signature = signing.signer.sign(input.as_bytes())?;
                // The last bits may be padding of the encoding; the first ones are not.
                if let Some(first) = signature.first_mut() {
                    *first ^= 1;
                }
                signature
            }
            Some(Flaw::ForeignKey) => {
                foreign_signer(signing.algorithm).await?.sign(input.as_bytes())?
            }
            Some(Flaw::Hs256WithPublicKey) => {
                let secret = signing.signer.public_key_pem()?;
                Signer::of_secret(secret.as_bytes()).sign(input.as_bytes())?
            }
            _ => signing.signer.sign(input.as_bytes())?,
        };
        Ok(format!("{input}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
    }

    fn signing_input(&self) -> Result<String, KeyError> {
        let encode = |part: &Map<String, Value>| {
            let json = serde_json::to_vec(part).map_err(|_| KeyError)?;
            Ok(BASE64_URL_SAFE_NO_PAD.encode(json))
        };
        Ok(format!("{}.{}", encode(&self.header)?, encode(&self.claims)?))
    }
}

/// Writes a flaw into the claims.
pub fn apply_to_claims(claims: &mut Map<String, Value>, flaw: Flaw, now: i64) {
    let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    match flaw {
        Flaw::WrongIssuer => set("iss", json!(WRONG_ISSUER)),
        Flaw::WrongAudience => set("aud", json!(WRONG_AUDIENCE)),
        Flaw::WrongNonce => set("nonce", json!(WRONG_NONCE)),
        Flaw::WrongAtHash => set("at_hash", json!(WRONG_AT_HASH)),
        Flaw::NotYetValid => {
            set("nbf", json!(now + WRONG_BY_SECONDS));
            set("exp", json!(now + 2 * WRONG_BY_SECONDS))
        }
        Flaw::Expired => {
            set("iat", json!(now - 2 * WRONG_BY_SECONDS));
            set("exp", json!(now - WRONG_BY_SECONDS))
        }
        Flaw::NoExp => claims.remove("exp"),
        Flaw::NoSub => claims.remove("sub"),
        Flaw::MissingScope => claims.remove("scope"),
        Flaw::NoEvents => claims.remove("events"),
        Flaw::WithNonce => set("nonce", json!(WRONG_NONCE)),
        Flaw::NoIat => claims.remove("iat"),
        Flaw::NoJti => claims.remove("jti"),
        Flaw::NoSubject => {
            claims.remove("sub");
            claims.remove("sid")
        }
        _ => None,
    };
}

/// Returns a new key that this server does not publish, generated on a blocking thread, because RSA
/// keys take long. For HS256 it is another secret.
async fn foreign_signer(algorithm: Algorithm) -> Result<Signer, KeyError> {
    if algorithm == Algorithm::HS256 {
        return Ok(Signer::of_secret(b"not the secret that the servers share"));
    }
    let generated = spawn_blocking(move || generate(algorithm)).await.map_err(|_| KeyError)?;
    Signer::of_key_pair(algorithm, &generated?.pkcs8)
}
