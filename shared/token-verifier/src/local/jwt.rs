use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use flow_events::Rule;
use jsonwebtoken::crypto;
use oauth_types::{AccessToken, AccessTokenClaims, TYP_ACCESS_TOKEN};
use serde::Deserialize;

use super::jwk::Key;
use crate::{VerifyError, check::check};

/// A JWT whose signature nobody has checked: its header is a claim like any other.
pub(super) struct Unverified<'a> {
    token: &'a AccessToken,
    header: Header,
}

/// What is read of the header. `jku`, `x5u` and `jwk` are not: keys come from the issuer, never
/// from the token.
#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    crit: Option<serde_json::Value>,
}

impl<'a> Unverified<'a> {
    pub(super) fn read(token: &'a AccessToken) -> Result<Self, VerifyError> {
        let header = header(token.expose()).ok_or_else(|| {
            VerifyError::malformed("the access token is not a JWT, and opaque ones cannot be checked here: ask for a JWT, or check by introspection")
        })?;
        // RFC 7515 §4.1.11: an extension that must be understood, and is not.
        if header.crit.is_some() {
            return Err(VerifyError::malformed(
                "the JWT has critical extensions that are not understood",
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

    /// RFC 9068 §4: `at+jwt` or `application/at+jwt`; media types are compared without regard to
    /// case.
    pub(super) fn is_access_token(&self) -> bool {
        let typ = self.typ();
        let bare = typ
            .split_at_checked(12)
            .filter(|(start, _)| start.eq_ignore_ascii_case("application/"));
        bare.map_or(typ, |(_, rest)| rest).eq_ignore_ascii_case(TYP_ACCESS_TOKEN)
    }

    /// Check the signature, and it alone; only then are the claims read at all.
    pub(super) fn verify(&self, key: &Key) -> Result<AccessTokenClaims, VerifyError> {
        let (message, signature) = self.token.expose().rsplit_once('.').unwrap_or_default();
        // By the key's algorithm; what the header says has no part in it.
        let right =
            crypto::verify(signature, message.as_bytes(), &key.decoding, key.algorithm.jws())
                .unwrap_or(false);
        check(
            Rule::Signature,
            right,
            || "a right signature by that key".to_owned(),
            || if right { "right" } else { "wrong" }.to_owned(),
            "the signature is wrong",
        )?;
        let (_, payload) = message.split_once('.').unwrap_or_default();
        let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).map_err(|_| unreadable(""))?;
        serde_json::from_slice(&payload).map_err(|error| unreadable(&error.to_string()))
    }
}

fn header(text: &str) -> Option<Header> {
    let mut parts = text.split('.');
    let header = parts.next()?;
    if parts.count() != 2 {
        return None;
    }
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(header).ok()?).ok()
}

/// The signature is right, but what it signs is no access token. The parser's words quote values;
/// only the name of a missing claim is told.
fn unreadable(parser: &str) -> VerifyError {
    let missing = parser
        .split_once("missing field `")
        .and_then(|(_, rest)| rest.split_once('`'))
        .map(|(name, _)| name);
    VerifyError::malformed(match missing {
        Some(name) => {
            format!("the JWT has no {name}, which RFC 9068 section 2.2 requires of an access token")
        }
        None => "a claim of the JWT is of the wrong kind".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typ_is_accepted(typ: &str) -> bool {
        let header = BASE64_URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"ES256","typ":"{typ}"}}"#));
        let token = AccessToken::new(format!("{header}.e30.x"));
        Unverified::read(&token).unwrap().is_access_token()
    }

    #[test]
    fn only_the_types_of_rfc_9068_are_access_tokens() {
        for good in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/at+JWT"] {
            assert!(typ_is_accepted(good), "{good}");
        }
        for bad in ["JWT", "", "id+jwt", "application/jwt", "xapplication/at+jwt", "logout+jwt"] {
            assert!(!typ_is_accepted(bad), "{bad}");
        }
    }

    #[test]
    fn what_is_no_jwt_is_told_apart() {
        for bad in ["gpat_opaque", "a.b", "a.b.c.d", "!.b.c", "e30.e30.x"] {
            assert!(Unverified::read(&AccessToken::new(bad)).is_err(), "{bad}");
        }
        let crit =
            BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","typ":"at+jwt","crit":["b64"]}"#);
        assert!(Unverified::read(&AccessToken::new(format!("{crit}.e30.x"))).is_err());
    }
}
