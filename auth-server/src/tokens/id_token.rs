use aws_lc_rs::digest;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use oauth_types::{AccessToken, Claims, IdToken, IdTokenClaims, StandardClaims};
use serde::Serialize;

use crate::domain::{Algorithm, Client};
use crate::keys::{ActiveSigningKey, KeyError, sign_jwt};

/// Login by password, the only supported method.
pub const ACR: &str = "urn:gatepass:acr:password";

/// Inputs of an ID token.
pub struct IdTokenFacts<'a> {
    pub issuer: &'a str,
    pub client: &'a Client,
    /// The session of the grant, as this client knows it.
    pub sid: String,
    /// When the user entered the password; `None` keeps it from the client.
    pub auth_time: Option<i64>,
    /// Subject of the user for this client.
    pub sub: String,
    pub nonce: Option<String>,
    /// Claims about the user, for clients that have them in the ID token.
    pub profile: Option<StandardClaims>,
    /// Claims that the operator defines.
    pub custom: Claims,
    /// The access token that is issued with it.
    pub access_token: Option<&'a AccessToken>,
    /// In seconds since 1970.
    pub now: i64,
    pub ttl: u32,
}

/// The claims of an ID token.
#[derive(Serialize)]
pub struct IdTokenContents {
    #[serde(flatten)]
    claims: IdTokenClaims,
    #[serde(flatten)]
    profile: Option<StandardClaims>,
    #[serde(flatten)]
    custom: Claims,
}

/// Creates an ID token (OpenID Connect Core §2, §3.1.3.6).
///
/// # Errors
/// Returns an error if the cryptography library fails.
pub fn id_token(facts: IdTokenFacts<'_>, signing: &ActiveSigningKey) -> Result<IdToken, KeyError> {
    let claims = id_token_claims(facts, signing.algorithm);
    Ok(IdToken::new(sign_jwt("JWT", &claims, signing)?))
}

/// Returns the claims of an ID token. Without `profile`, claims about the user are available at the
/// userinfo endpoint only (OpenID Connect Core §5.4).
pub fn id_token_claims(facts: IdTokenFacts<'_>, algorithm: Algorithm) -> IdTokenContents {
    let claims = IdTokenClaims {
        iss: facts.issuer.to_owned(),
        sub: facts.sub,
        aud: facts.client.client_id.clone(),
        exp: facts.now + i64::from(facts.ttl),
        iat: facts.now,
        auth_time: facts.auth_time,
        nonce: facts.nonce,
        acr: Some(ACR.to_owned()),
        amr: vec!["pwd".to_owned()],
        at_hash: facts.access_token.map(|token| at_hash(token, algorithm)),
        sid: Some(facts.sid),
    };
    IdTokenContents { claims, profile: facts.profile, custom: facts.custom }
}

/// Returns the `at_hash` claim: the left half of the hash of the access token, with the hash
/// function of the signature algorithm (OpenID Connect Core §3.1.3.6).
fn at_hash(token: &AccessToken, algorithm: Algorithm) -> String {
    let hash = match algorithm {
        Algorithm::EdDSA => &digest::SHA512,
        Algorithm::ES256 | Algorithm::RS256 | Algorithm::HS256 => &digest::SHA256,
    };
    let hash = digest::digest(hash, token.expose().as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(&hash.as_ref()[..hash.as_ref().len() / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_hash_matches_the_example_of_the_specification() {
        // OpenID Connect Core appendix A.3.
        let token = AccessToken::new("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y");
        assert_eq!(at_hash(&token, Algorithm::RS256), "77QmUPtjPfzWtF2AnpK9RQ");
        // Ed25519 uses SHA-512. The expected value is the left half of the `sha512sum` of the same
        // token.
        assert_eq!(
            at_hash(&token, Algorithm::EdDSA),
            "q7nS86GgvvFaZkzALLWqJYaJIKw2wCDAVfCAsm5CrBM"
        );
    }
}
