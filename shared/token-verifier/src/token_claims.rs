//! Reads the claims of JWTs and introspection responses, in the forms that issuers use.

use oauth_types::{ActorClaim, Audience, Claims, NumericDate};
use serde::de::DeserializeOwned;

use crate::{check::Times, error::VerifyError, scope_claims::ScopeClaims};

/// Claims that name the client that requested the token. RFC 9068 §2.2 has the first; Keycloak,
/// Auth0 and Entra ID (v2.0) use `azp`, Entra ID (v1.0) `appid`, and Okta `cid`.
pub(crate) const CLIENT_CLAIMS: [&str; 4] = ["client_id", "azp", "appid", "cid"];

/// The claims that are checked, or that [`VerifiedToken`](crate::VerifiedToken) has methods for.
pub(crate) struct TokenClaims {
    pub(crate) issuer: Option<String>,
    pub(crate) audience: Option<Audience>,
    pub(crate) times: Times,
    pub(crate) client_id: Option<String>,
    pub(crate) scope: oauth_types::Scope,
    pub(crate) actor: Option<ActorClaim>,
    /// All claims.
    pub(crate) all: Claims,
}

impl TokenClaims {
    /// Reads claims. A claim of the wrong type is an error: if `exp` or `nbf` were ignored, the
    /// token would be valid for longer than its issuer intended.
    pub(crate) fn read(all: Claims, scope_claims: &ScopeClaims) -> Result<Self, VerifyError> {
        for name in ["sub", "jti"] {
            typed::<String>(&all, name)?;
        }
        let times =
            Times { exp: date(&all, "exp")?, nbf: date(&all, "nbf")?, iat: date(&all, "iat")? };
        let client = CLIENT_CLAIMS.into_iter().find(|name| all.contains(name));
        Ok(Self {
            issuer: typed(&all, "iss")?,
            audience: typed(&all, "aud")?,
            times,
            client_id: client.map(|name| typed(&all, name)).transpose()?.flatten(),
            scope: scope_claims.read(&all)?,
            actor: typed(&all, "act")?,
            all,
        })
    }
}

fn typed<T: DeserializeOwned>(claims: &Claims, name: &str) -> Result<Option<T>, VerifyError> {
    match claims.value(name) {
        None => Ok(None),
        Some(_) => claims.get(name).map(Some).ok_or_else(|| VerifyError::wrong_type(name)),
    }
}

fn date(claims: &Claims, name: &str) -> Result<Option<i64>, VerifyError> {
    claims
        .value(name)
        .map(|value| NumericDate::from_json(value).ok_or_else(|| VerifyError::wrong_type(name)))
        .transpose()
        .map(|date| date.map(NumericDate::rounded_up))
}
