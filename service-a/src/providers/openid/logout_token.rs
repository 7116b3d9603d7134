//! Logout token validation (OpenID Connect Back-Channel Logout 1.0 §2.4, §2.6).

use std::collections::BTreeMap;

use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header, jwk::Jwk};
use oauth_types::NumericDate;
use openidconnect::{JsonWebKey, JsonWebKeyId};
use serde::{Deserialize, Deserializer, de::IgnoredAny};

use super::{OpenIdProvider, library::Metadata};
use crate::{accounts::BackchannelLogout, providers::ProviderError};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
const ALGORITHMS: [Algorithm; 5] =
    [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA];
/// Accepted clock difference, in seconds.
const CLOCK_SKEW: i64 = 60;
/// Longest accepted lifetime, in seconds. A stores the `jti` of a used token until it expires. The
/// specification recommends two minutes.
const MAX_LIFETIME: f64 = 600.0;

/// Why a logout token was rejected.
#[derive(Debug, thiserror::Error)]
pub enum LogoutTokenError {
    #[error("{0}")]
    Invalid(String),
    /// The keys could not be fetched. The provider can send the token again.
    #[error("{0}")]
    Provider(#[from] ProviderError),
}

#[derive(Deserialize)]
struct LogoutClaims {
    iat: NumericDate,
    exp: NumericDate,
    #[serde(default, deserialize_with = "present")]
    nbf: Option<NumericDate>,
    jti: String,
    sub: Option<String>,
    sid: Option<String>,
    events: BTreeMap<String, BTreeMap<String, IgnoredAny>>,
    nonce: Option<IgnoredAny>,
}

/// Reads an optional time. `null` is not one.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NumericDate>, D::Error> {
    NumericDate::deserialize(deserializer).map(Some)
}

impl LogoutTokenError {
    pub fn invalid(reason: impl Into<String>) -> Self {
        Self::Invalid(reason.into())
    }
}

impl OpenIdProvider {
    pub(in crate::providers) async fn verify_logout_token(
        &self,
        token: &str,
    ) -> Result<BackchannelLogout, LogoutTokenError> {
        let header = decode_header(token)
            .map_err(|_| LogoutTokenError::invalid("the logout token is not a signed JWT"))?;
        check_header(&header)?;
        let claims: LogoutClaims =
            decode(token, &self.logout_token_key(&header).await?, &self.validation(&header))
                .map_err(|error| {
                    LogoutTokenError::invalid(oauth_types::printable(&error.to_string()))
                })?
                .claims;
        check_claims(&claims, self.clock.seconds())?;
        Ok(BackchannelLogout {
            issuer: self.issuer.clone(),
            subject: claims.sub,
            sid: claims.sid,
            jti: claims.jti,
            expires_at: claims.exp.rounded_up() + CLOCK_SKEW + 1,
        })
    }

    /// Returns the key that the header names. Fetches the keys once if it is unknown.
    async fn logout_token_key(&self, header: &Header) -> Result<DecodingKey, LogoutTokenError> {
        let metadata = self.discovery.metadata().await?;
        if let Some(key) = find_key(&metadata, header) {
            return Ok(key);
        }
        let refreshed = self.discovery.refresh_keys(&metadata).await?;
        find_key(&refreshed, header).ok_or_else(|| {
            LogoutTokenError::invalid("the provider does not publish the signing key")
        })
    }

    /// The library checks issuer and audience; `check_claims` checks times against A's clock.
    fn validation(&self, header: &Header) -> Validation {
        let mut validation = Validation::new(header.alg);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.client_id]);
        validation.set_required_spec_claims(&["iss", "aud"]);
        (validation.validate_exp, validation.validate_nbf) = (false, false);
        validation
    }
}

fn check_header(header: &Header) -> Result<(), LogoutTokenError> {
    // §2.4: `typ` prevents other tokens of this provider from being used as logout tokens.
    if !header.typ.as_deref().is_some_and(|typ| typ.eq_ignore_ascii_case("logout+jwt")) {
        return Err(LogoutTokenError::invalid("`typ` is not `logout+jwt`"));
    }
    // RFC 7515 §4.1.11: no critical extension is supported.
    if header.crit.is_some() {
        return Err(LogoutTokenError::invalid("`crit` names extensions that are not supported"));
    }
    if ALGORITHMS.contains(&header.alg) {
        Ok(())
    } else {
        Err(LogoutTokenError::invalid("`alg` is not allowed"))
    }
}

fn find_key(metadata: &Metadata, header: &Header) -> Option<DecodingKey> {
    let kid = header.kid.clone().map(JsonWebKeyId::new);
    let mut candidates =
        metadata.jwks().keys().iter().filter(|key| kid.is_none() || key.key_id() == kid.as_ref());
    let (key, second) = (candidates.next()?, candidates.next());
    // Without `kid`, the key is unambiguous only if there is a single one.
    let key = if second.is_none() { serde_json::to_value(key).ok()? } else { return None };
    DecodingKey::from_jwk(&serde_json::from_value::<Jwk>(key).ok()?).ok()
}

fn check_claims(claims: &LogoutClaims, now: i64) -> Result<(), LogoutTokenError> {
    let problem = if claims.iat.rounded_up() > now + CLOCK_SKEW {
        "`iat` is in the future"
    } else if claims.nbf.is_some_and(|nbf| nbf.rounded_up() > now + CLOCK_SKEW) {
        "the logout token is not valid yet (`nbf`)"
    } else if claims.exp.rounded_up() <= now - CLOCK_SKEW {
        "the logout token has expired"
    } else if claims.exp.seconds() - claims.iat.seconds() > MAX_LIFETIME {
        "`exp` is more than ten minutes after `iat`"
    } else if claims.jti.is_empty() {
        "`jti` is empty"
    } else if !claims.events.contains_key(EVENT) {
        "`events` has no back-channel logout event"
    } else if claims.nonce.is_some() {
        // §2.4: distinguishes it from an ID token.
        "`nonce` is present"
    } else if claims.sub.is_none() && claims.sid.is_none() {
        "both `sub` and `sid` are missing"
    } else {
        return Ok(());
    };
    Err(LogoutTokenError::invalid(problem))
}
