use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use flow_events::Rule;
use jsonwebtoken::crypto;
use oauth_types::{AccessToken, Claims, JwtHeader, JwtHeaderError};

use super::jwk::Key;
use crate::{algorithm::Algorithm, check::check, error::VerifyError};

/// A JWT before its signature is verified. Its header may be forged.
pub(super) struct Unverified<'a> {
    token: &'a AccessToken,
    header: JwtHeader,
}

impl<'a> Unverified<'a> {
    pub(super) fn parse(token: &'a AccessToken) -> Result<Self, VerifyError> {
        let header = JwtHeader::parse(token.expose()).map_err(|error| {
            VerifyError::malformed(match error {
                JwtHeaderError::NotAJwt => "the access token is not a JWT, and opaque tokens cannot be verified locally; request a JWT, or enable introspection",
                JwtHeaderError::Malformed => "the header of the JWT is not a JSON object with distinct members and with strings for alg, typ and kid",
                JwtHeaderError::Critical => "the JWT has critical extensions that are not supported",
                JwtHeaderError::Unencoded => "the JWT has the header parameter b64, which JWTs must not use",
            })
        })?;
        Ok(Self { token, header })
    }

    pub(super) fn alg(&self) -> &str {
        &self.header.alg
    }

    pub(super) fn typ(&self) -> Option<&str> {
        self.header.typ.as_deref()
    }

    pub(super) fn kid(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// Verifies the signature with an algorithm of the key, and returns the claims, which are
    /// parsed only afterwards.
    pub(super) fn verify(&self, key: &Key, algorithm: Algorithm) -> Result<Claims, VerifyError> {
        let (message, signature) = self.token.expose().rsplit_once('.').unwrap_or_default();
        let valid = crypto::verify(signature, message.as_bytes(), &key.decoding, algorithm.jws())
            .unwrap_or(false);
        check(
            Rule::Signature,
            valid,
            || "a valid signature by that key".to_owned(),
            || if valid { "valid" } else { "invalid" }.to_owned(),
            "the signature is invalid",
        )?;
        let (_, payload) = message.split_once('.').unwrap_or_default();
        // The parser's message quotes values, so it is not part of the error.
        let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).ok();
        payload.and_then(|payload| serde_json::from_slice(&payload).ok()).ok_or_else(|| {
            VerifyError::malformed(
                "the claims of the JWT are not a JSON object with distinct members of at most 64 KiB",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_strings_are_not_jwts() {
        for text in ["gpat_opaque", "a.b", "a.b.c.d", "!.b.c", "e30.e30.x"] {
            assert!(Unverified::parse(&AccessToken::new(text)).is_err(), "{text}");
        }
        let null = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","typ":"at+jwt","crit":null}"#);
        assert!(Unverified::parse(&AccessToken::new(format!("{null}.e30.x"))).is_err());
    }
}
