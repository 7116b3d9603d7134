use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::Claims;

/// The header of a signed JWT in compact serialization (RFC 7515 §4). It may be forged until the
/// signature is verified.
///
/// `jku`, `x5u`, `x5c` and `jwk` are not read: keys come from the issuer, never from the token
/// (RFC 8725 §3.10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwtHeader {
    /// The signature algorithm (§4.1.1).
    pub alg: String,
    /// The media type of the JWT (§4.1.9).
    pub typ: Option<String>,
    /// The id of the key (§4.1.4).
    pub kid: Option<String>,
}

/// Why the header of a JWT is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwtHeaderError {
    /// There are not three parts, or the first is not base64url-encoded JSON.
    #[error("it is not a signed JWT")]
    NotAJwt,
    /// A member occurs twice (RFC 7515 §4), or `alg`, `typ` or `kid` is not a string.
    #[error(
        "its header is not a JSON object with distinct members and with strings for alg, typ and kid"
    )]
    Malformed,
    /// RFC 7515 §4.1.11: no extension is supported, and an empty or malformed `crit` is invalid.
    #[error("it has critical header parameters (crit), which are not supported")]
    Critical,
    /// RFC 7797 §7: a JWT is always base64url-encoded.
    #[error("it has the header parameter b64, which JWTs must not use")]
    Unencoded,
}

impl JwtHeader {
    /// Parses the header of a JWT.
    ///
    /// ```
    /// use oauth_types::{JwtHeader, JwtHeaderError};
    /// // {"alg":"ES256","kid":"1"} and {"alg":"ES256","crit":null}
    /// let header = JwtHeader::parse("eyJhbGciOiJFUzI1NiIsImtpZCI6IjEifQ.e30.x")?;
    /// assert_eq!((&*header.alg, header.kid.as_deref()), ("ES256", Some("1")));
    /// let critical = JwtHeader::parse("eyJhbGciOiJFUzI1NiIsImNyaXQiOm51bGx9.e30.x");
    /// assert_eq!(critical, Err(JwtHeaderError::Critical));
    /// # Ok::<(), JwtHeaderError>(())
    /// ```
    ///
    /// # Errors
    /// Returns a [`JwtHeaderError`], whose text fits after "the … cannot be used:".
    pub fn parse(token: &str) -> Result<Self, JwtHeaderError> {
        let (header, rest) = token.split_once('.').ok_or(JwtHeaderError::NotAJwt)?;
        if rest.split('.').count() != 2 {
            return Err(JwtHeaderError::NotAJwt);
        }
        let json = BASE64_URL_SAFE_NO_PAD.decode(header).map_err(|_| JwtHeaderError::NotAJwt)?;
        let members: Claims =
            serde_json::from_slice(&json).map_err(|_| JwtHeaderError::Malformed)?;
        if members.contains("crit") {
            return Err(JwtHeaderError::Critical);
        }
        if members.contains("b64") {
            return Err(JwtHeaderError::Unencoded);
        }
        let text = |name: &str| match members.value(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(JwtHeaderError::Malformed),
        };
        let alg = text("alg")?.ok_or(JwtHeaderError::Malformed)?;
        Ok(Self { alg, typ: text("typ")?, kid: text("kid")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(header: &str) -> Result<JwtHeader, JwtHeaderError> {
        JwtHeader::parse(&format!("{}.e30.x", BASE64_URL_SAFE_NO_PAD.encode(header)))
    }

    #[test]
    fn header_with_alg_typ_and_kid_is_parsed() {
        let header = parse(r#"{"alg":"ES256","typ":"at+jwt","kid":"1","x":{"y":null}}"#).unwrap();
        assert_eq!(
            (&*header.alg, header.typ.as_deref(), header.kid.as_deref()),
            ("ES256", Some("at+jwt"), Some("1"))
        );
        assert_eq!(parse(r#"{"alg":"ES256"}"#).unwrap().kid, None);
    }

    #[test]
    fn every_critical_extension_is_rejected() {
        for crit in ["null", "[]", "\"exp\"", "[\"exp\"]", "[\"b64\"]", "false", "{}"] {
            let header = format!(r#"{{"alg":"ES256","crit":{crit}}}"#);
            assert_eq!(parse(&header), Err(JwtHeaderError::Critical), "{header}");
        }
        for b64 in ["true", "false", "null"] {
            let header = format!(r#"{{"alg":"ES256","b64":{b64}}}"#);
            assert_eq!(parse(&header), Err(JwtHeaderError::Unencoded), "{header}");
        }
    }

    #[test]
    fn duplicates_and_wrong_types_are_rejected() {
        for header in [
            r#"{"alg":"ES256","alg":"ES256"}"#,
            r#"{"alg":"ES256","kid":"1","kid":"2"}"#,
            r#"{"alg":"ES256","x":1,"x":1}"#,
            r#"{"alg":"ES256","kid":null}"#,
            r#"{"alg":"ES256","typ":1}"#,
            r#"{"alg":7}"#,
            "{}",
            "[]",
        ] {
            assert_eq!(parse(header), Err(JwtHeaderError::Malformed), "{header}");
        }
        for token in ["", "gpat_opaque", "a.b", "a.b.c.d", "!.b.c"] {
            assert_eq!(JwtHeader::parse(token), Err(JwtHeaderError::NotAJwt), "{token}");
        }
    }
}
