use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use oauth_types::{AccessToken, Audience, Scope};
use serde::{Deserialize, de::DeserializeOwned};

/// What a token says of itself, its signature unchecked: good for comparing names, for nothing
/// else.
#[derive(Debug, Deserialize)]
pub(crate) struct UnverifiedToken {
    #[serde(skip)]
    pub(crate) kid: Option<String>,
    /// HS256 and its like: there is no key that could be published.
    #[serde(skip)]
    pub(crate) is_by_shared_secret: bool,
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
    /// `None` for what is not a JWT: only its issuer can read it.
    pub(crate) fn read(token: &AccessToken) -> Option<Self> {
        let mut parts = token.expose().split('.');
        let (header, payload) = (parts.next()?, parts.next()?);
        let Header { alg, kid } = part(header)?;
        Some(Self { kid, is_by_shared_secret: alg.starts_with("HS"), ..part(payload)? })
    }
}

fn part<T: DeserializeOwned>(encoded: &str) -> Option<T> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()
}
