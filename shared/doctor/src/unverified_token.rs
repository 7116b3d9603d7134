use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use oauth_types::{AccessToken, Audience, Scope};
use serde::{Deserialize, de::DeserializeOwned};

/// Header and claims of a JWT whose signature was not verified. Only for comparing values in a
/// diagnosis.
#[derive(Debug, Deserialize)]
pub(crate) struct UnverifiedToken {
    #[serde(skip)]
    pub(crate) kid: Option<String>,
    /// HS256 and similar algorithms, whose key is never published.
    #[serde(skip)]
    pub(crate) has_shared_secret: bool,
    pub(crate) iss: Option<String>,
    pub(crate) aud: Option<Audience>,
    #[serde(default)]
    pub(crate) scope: Option<Scope>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
}

impl UnverifiedToken {
    /// Decodes a token. Returns `None` if it is not a JWT: only its issuer can read it then.
    pub(crate) fn read(token: &AccessToken) -> Option<Self> {
        let mut parts = token.expose().split('.');
        let (header, payload) = (parts.next()?, parts.next()?);
        let Header { alg, kid } = decode(header)?;
        Some(Self { kid, has_shared_secret: alg.starts_with("HS"), ..decode(payload)? })
    }
}

fn decode<T: DeserializeOwned>(encoded: &str) -> Option<T> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()
}
