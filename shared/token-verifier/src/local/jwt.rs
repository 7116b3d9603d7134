use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use flow_events::Rule;
use jsonwebtoken::crypto;
use oauth_types::{AccessToken, AccessTokenClaims, TYP_ACCESS_TOKEN};
use serde::Deserialize;

use super::jwk::Key;
use crate::{check::check, error::VerifyError};

/// A JWT before its signature is verified. Its header may be forged.
pub(super) struct Unverified<'a> {
    token: &'a AccessToken,
    header: Header,
}

/// The header parameters that are read. `jku`, `x5u` and `jwk` are not: keys come from the issuer,
/// never from the token (RFC 8725 §3.10).
#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    crit: Option<serde_json::Value>,
}

impl<'a> Unverified<'a> {
    pub(super) fn parse(token: &'a AccessToken) -> Result<Self, VerifyError> {
        let header = parse_header(token.expose()).ok_or_else(|| {
            VerifyError::malformed("the access token is not a JWT, and opaque tokens cannot be verified locally; request a JWT, or enable introspection")
        })?;
        // RFC 7515 §4.1.11: no critical extension is supported.
        if header.crit.is_some() {
            return Err(VerifyError::malformed(
                "the JWT has critical extensions that are not supported",
            ));
        }
        Ok(Self { token, header })
    }

    pub(super) fn alg(&self) -> &str {
        &self.header.alg
    }

    pub(super) fn typ(&self) -> &str {
        self.header.typ.as_deref().unwrap_or("no typ")
    }

    pub(super) fn kid(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// Returns whether `typ` is `at+jwt` or `application/at+jwt` (RFC 9068 §4). Media types are
    /// case-insensitive.
    pub(super) fn is_access_token(&self) -> bool {
        let typ = self.typ();
        let bare = typ
            .split_at_checked(12)
            .filter(|(start, _)| start.eq_ignore_ascii_case("application/"));
        bare.map_or(typ, |(_, rest)| rest).eq_ignore_ascii_case(TYP_ACCESS_TOKEN)
    }

    /// Verifies the signature and returns the claims, which are parsed only afterwards.
    pub(super) fn verify(&self, key: &Key) -> Result<AccessTokenClaims, VerifyError> {
        let (message, signature) = self.token.expose().rsplit_once('.').unwrap_or_default();
        // With the algorithm of the key, not of the header.
        let valid =
            crypto::verify(signature, message.as_bytes(), &key.decoding, key.algorithm.jws())
                .unwrap_or(false);
        check(
            Rule::Signature,
            valid,
            || "a valid signature by that key".to_owned(),
            || if valid { "valid" } else { "invalid" }.to_owned(),
            "the signature is invalid",
        )?;
        let (_, payload) = message.split_once('.').unwrap_or_default();
        let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).map_err(|_| invalid_claims(""))?;
        serde_json::from_slice(&payload).map_err(|error| invalid_claims(&error.to_string()))
    }
}

fn parse_header(text: &str) -> Option<Header> {
    let mut parts = text.split('.');
    let header = parts.next()?;
    if parts.count() != 2 {
        return None;
    }
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(header).ok()?).ok()
}

/// The signature is valid, but the claims are not those of an access token. The parser's message
/// quotes values, so only the name of a missing claim is taken from it.
fn invalid_claims(parser: &str) -> VerifyError {
    let missing = parser
        .split_once("missing field `")
        .and_then(|(_, rest)| rest.split_once('`'))
        .map(|(name, _)| name);
    VerifyError::malformed(match missing {
        Some(name) => {
            format!("the JWT has no {name}, which RFC 9068 section 2.2 requires of an access token")
        }
        None => "a claim of the JWT has the wrong type".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typ_is_accepted(typ: &str) -> bool {
        let header = BASE64_URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"ES256","typ":"{typ}"}}"#));
        let token = AccessToken::new(format!("{header}.e30.x"));
        Unverified::parse(&token).unwrap().is_access_token()
    }

    #[test]
    fn only_the_types_of_rfc_9068_are_access_tokens() {
        for accepted in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/at+JWT"] {
            assert!(typ_is_accepted(accepted), "{accepted}");
        }
        for rejected in
            ["JWT", "", "id+jwt", "application/jwt", "xapplication/at+jwt", "logout+jwt"]
        {
            assert!(!typ_is_accepted(rejected), "{rejected}");
        }
    }

    #[test]
    fn other_strings_are_not_jwts() {
        for text in ["gpat_opaque", "a.b", "a.b.c.d", "!.b.c", "e30.e30.x"] {
            assert!(Unverified::parse(&AccessToken::new(text)).is_err(), "{text}");
        }
        let crit =
            BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","typ":"at+jwt","crit":["b64"]}"#);
        assert!(Unverified::parse(&AccessToken::new(format!("{crit}.e30.x"))).is_err());
    }
}
