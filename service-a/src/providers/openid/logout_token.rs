//! A logout token (OpenID Connect Back-Channel Logout 1.0 §2.4, §2.6): the provider says that
//! sessions are over.

use std::collections::BTreeMap;

use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header, jwk::Jwk};
use openidconnect::{JsonWebKey, JsonWebKeyId};
use serde::{Deserialize, de::IgnoredAny};

use super::{OpenIdProvider, library::Metadata};
use crate::{accounts::EndSessions, providers::ProviderFailure};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
const ALGORITHMS: [Algorithm; 5] =
    [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA];
/// Clocks differ by so much, in seconds.
const LEEWAY: i64 = 60;
/// A token of a longer life, in seconds, would have to be remembered for long. The specification
/// recommends two minutes.
const MAX_AGE: i64 = 600;

/// Why a logout token ends nothing.
#[derive(Debug, thiserror::Error)]
pub enum LogoutTokenRefusal {
    #[error("{0}")]
    Invalid(String),
    /// The provider may try again.
    #[error("{0}")]
    Unverifiable(#[from] ProviderFailure),
}

#[derive(Deserialize)]
struct LogoutClaims {
    iat: i64,
    exp: i64,
    jti: String,
    sub: Option<String>,
    sid: Option<String>,
    events: BTreeMap<String, BTreeMap<String, IgnoredAny>>,
    nonce: Option<IgnoredAny>,
}

impl LogoutTokenRefusal {
    pub fn invalid(reason: impl Into<String>) -> Self {
        Self::Invalid(reason.into())
    }
}

impl OpenIdProvider {
    pub(in crate::providers) async fn logout_token(
        &self,
        token: &str,
    ) -> Result<EndSessions, LogoutTokenRefusal> {
        let header =
            decode_header(token).map_err(|_| LogoutTokenRefusal::invalid("it is no signed JWT"))?;
        check_header(&header)?;
        let claims: LogoutClaims =
            decode(token, &self.logout_key(&header).await?, &self.validation(&header))
                .map_err(|error| {
                    LogoutTokenRefusal::invalid(oauth_types::printable(&error.to_string()))
                })?
                .claims;
        check_claims(&claims, self.clock.seconds())?;
        Ok(EndSessions {
            issuer: self.issuer.clone(),
            subject: claims.sub,
            sid: claims.sid,
            jti: claims.jti,
            expires_at: claims.exp + LEEWAY + 1,
        })
    }

    /// The key that the header names; fetched if it is not known.
    async fn logout_key(&self, header: &Header) -> Result<DecodingKey, LogoutTokenRefusal> {
        let metadata = self.discovery.metadata().await?;
        if let Some(key) = key_named(&metadata, header) {
            return Ok(key);
        }
        let newer = self.discovery.newer_keys(&metadata).await?;
        key_named(&newer, header)
            .ok_or_else(|| LogoutTokenRefusal::invalid("its key is not among the provider's"))
    }

    /// Issuer and audience by the library; times by this house's clock.
    fn validation(&self, header: &Header) -> Validation {
        let mut validation = Validation::new(header.alg);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.client_id]);
        validation.set_required_spec_claims(&["iss", "aud"]);
        (validation.validate_exp, validation.validate_nbf) = (false, false);
        validation
    }
}

fn check_header(header: &Header) -> Result<(), LogoutTokenRefusal> {
    // §2.4: the type keeps other tokens of the same provider from being taken for a logout token.
    if !header.typ.as_deref().is_some_and(|typ| typ.eq_ignore_ascii_case("logout+jwt")) {
        return Err(LogoutTokenRefusal::invalid("its `typ` is not `logout+jwt`"));
    }
    if ALGORITHMS.contains(&header.alg) {
        Ok(())
    } else {
        Err(LogoutTokenRefusal::invalid("its `alg` is not allowed"))
    }
}

fn key_named(metadata: &Metadata, header: &Header) -> Option<DecodingKey> {
    let wanted = header.kid.clone().map(JsonWebKeyId::new);
    let mut named = metadata
        .jwks()
        .keys()
        .iter()
        .filter(|key| wanted.is_none() || key.key_id() == wanted.as_ref());
    let (key, more) = (named.next()?, named.next());
    // Without a name, only a key that is alone can be meant.
    let key = if more.is_none() { serde_json::to_value(key).ok()? } else { return None };
    DecodingKey::from_jwk(&serde_json::from_value::<Jwk>(key).ok()?).ok()
}

fn check_claims(claims: &LogoutClaims, now: i64) -> Result<(), LogoutTokenRefusal> {
    let wrong = if claims.iat > now + LEEWAY {
        "it was made in the future"
    } else if claims.exp <= now - LEEWAY {
        "it has expired"
    } else if claims.exp - claims.iat > MAX_AGE {
        "it lives longer than ten minutes"
    } else if claims.jti.is_empty() {
        "its `jti` is empty"
    } else if !claims.events.contains_key(EVENT) {
        "its `events` do not name the back-channel logout"
    } else if claims.nonce.is_some() {
        // §2.4: else an ID token could be taken for one.
        "it has a `nonce`"
    } else if claims.sub.is_none() && claims.sid.is_none() {
        "it names neither `sub` nor `sid`"
    } else {
        return Ok(());
    };
    Err(LogoutTokenRefusal::invalid(wrong))
}
