//! Logout token validation (OpenID Connect Back-Channel Logout 1.0 §2.4, §2.6).

use oauth_types::Claims;
use serde_json::Value;

use super::{
    OpenIdProvider,
    claims::{
        CLOCK_SKEW, check_issuer, check_times, has_audience, missing_or_odd, other_audience,
        required_time,
    },
    signed_jwt::{JwtError, SignedJwt},
};
use crate::{accounts::BackchannelLogout, providers::ProviderError};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// Maximum accepted lifetime, in seconds. A stores the `jti` of a used token until it expires. The
/// specification recommends two minutes.
const MAX_LIFETIME: f64 = 600.0;
/// `typ` is recommended, not required. `events` is what other tokens of the provider do not have.
const TYPES: [&str; 2] = ["logout+jwt", "jwt"];

/// Why a logout token was rejected.
#[derive(Debug, thiserror::Error)]
pub enum LogoutTokenError {
    #[error("{0}")]
    Invalid(String),
    /// The keys could not be fetched. The provider can send the token again.
    #[error("{0}")]
    Provider(#[from] ProviderError),
}

impl LogoutTokenError {
    pub fn invalid(reason: impl Into<String>) -> Self {
        Self::Invalid(reason.into())
    }
}

impl From<JwtError> for LogoutTokenError {
    fn from(error: JwtError) -> Self {
        match error {
            JwtError::Invalid(reason) => Self::Invalid(reason),
            JwtError::Provider(error) => Self::Provider(error),
        }
    }
}

impl OpenIdProvider {
    pub(in crate::providers) async fn verify_logout_token(
        &self,
        token: &str,
    ) -> Result<BackchannelLogout, LogoutTokenError> {
        let jwt = SignedJwt::parse(token).map_err(JwtError::from)?;
        if jwt.typ.as_deref().is_some_and(|typ| !TYPES.contains(&typ)) {
            return Err(LogoutTokenError::invalid("`typ` is neither `logout+jwt` nor `JWT`"));
        }
        let metadata = self.discovery.metadata().await?;
        let claims = self.verify_signature(&metadata, &jwt).await?;
        self.read_logout(&claims).map_err(LogoutTokenError::Invalid)
    }

    fn read_logout(&self, claims: &Claims) -> Result<BackchannelLogout, String> {
        check_issuer(claims, &self.issuer)?;
        if !has_audience(claims, &self.client_id) {
            return Err(other_audience(claims, &self.client_id));
        }
        check_times(claims, self.clock.seconds())?;
        let (exp, iat) = (required_time(claims, "exp")?, required_time(claims, "iat")?);
        if exp.seconds() - iat.seconds() > MAX_LIFETIME {
            return Err("`exp` is more than ten minutes after `iat`".to_owned());
        }
        let jti = claims.text("jti").ok_or_else(|| missing_or_odd(claims, "jti", "text"))?;
        if jti.is_empty() {
            return Err("`jti` is empty".to_owned());
        }
        let event = claims.value("events").and_then(|events| events.get(EVENT));
        if !event.is_some_and(Value::is_object) {
            return Err("`events` has no back-channel logout event".to_owned());
        }
        // §2.4: distinguishes it from an ID token.
        if claims.value("nonce").is_some_and(|nonce| !nonce.is_null()) {
            return Err("`nonce` is present".to_owned());
        }
        let (subject, sid) = (optional_text(claims, "sub")?, optional_text(claims, "sid")?);
        if subject.is_none() && sid.is_none() {
            return Err("both `sub` and `sid` are missing".to_owned());
        }
        Ok(BackchannelLogout {
            issuer: self.issuer.clone(),
            subject,
            sid,
            jti: jti.to_owned(),
            expires_at: exp.rounded_up() + i64::from(CLOCK_SKEW) + 1,
        })
    }
}

fn optional_text(claims: &Claims, name: &str) -> Result<Option<String>, String> {
    match claims.value(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("`{name}` is not text")),
    }
}
