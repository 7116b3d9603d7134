//! Token introspection (RFC 7662).

use std::{sync::Arc, time::Duration};

use flow_events::{Check, Rule};
use http::StatusCode;
use oauth_http::{ClientCredentials, FormRequest};
use oauth_types::{AccessToken, Claims, ClientAuthMethod, ClientSecret, parse_endpoint_url};
use url::Url;

use crate::{
    check::{check, check_audience, check_issuer, check_times},
    error::VerifyError,
    issuer_client::{IssuerClient, parse, unreachable},
    other_kind::claim_naming_another_kind,
    scope_claims::ScopeClaims,
    token_cache::{Entry, TokenCache},
    token_claims::TokenClaims,
    token_hash::TokenHash,
    verified_token::VerifiedToken,
};

/// How a resource server introspects tokens.
#[derive(Clone, Debug)]
pub struct IntrospectionSettings {
    client_id: String,
    client_secret: ClientSecret,
    cache_ttl: Duration,
    pub(crate) endpoint: Option<String>,
    audience_required: bool,
}

impl IntrospectionSettings {
    /// Returns settings for a resource server with these credentials at the issuer, which are sent
    /// as `client_secret_basic`. Responses are cached for two seconds.
    pub fn new(client_id: impl Into<String>, client_secret: ClientSecret) -> Self {
        Self {
            client_id: client_id.into(),
            client_secret,
            cache_ttl: Duration::from_secs(2),
            endpoint: None,
            audience_required: true,
        }
    }

    /// Sets how long a response is cached. A revoked token is accepted for up to this time.
    #[must_use]
    pub fn cache_ttl(self, cache_ttl: Duration) -> Self {
        Self { cache_ttl, ..self }
    }

    /// Sets the URL of the introspection endpoint. Without it, that of the issuer's metadata is
    /// used.
    #[must_use]
    pub fn endpoint(self, endpoint: impl Into<String>) -> Self {
        Self { endpoint: Some(endpoint.into()), ..self }
    }

    /// Sets whether tokens are rejected whose introspection response has no `aud`, as they are by
    /// default. Turn this off only for an issuer that binds no token to a resource server: each of
    /// its tokens is then accepted here, those for other resource servers too.
    #[must_use]
    pub fn audience_required(self, audience_required: bool) -> Self {
        Self { audience_required, ..self }
    }
}

/// Verifies tokens by introspection, with a cache.
#[derive(Debug)]
pub(crate) struct Introspection {
    credentials: ClientCredentials,
    cache_ttl: Duration,
    endpoint: Option<Url>,
    audience_required: bool,
    scope_claims: ScopeClaims,
    issuer_client: Arc<IssuerClient>,
    cache: TokenCache<CachedIntrospection>,
}

/// The result of an introspection, and the uptime at which it expires from the cache: a clock that
/// is set back must not extend the use of a revoked token.
#[derive(Clone, Debug)]
struct CachedIntrospection {
    result: Result<Arc<VerifiedToken>, VerifyError>,
    fresh_until: Duration,
}

impl Entry for CachedIntrospection {
    type Now = Duration;

    fn is_fresh(&self, now: Duration) -> bool {
        now < self.fresh_until
    }

    fn token(&self) -> Option<&VerifiedToken> {
        self.result.as_deref().ok()
    }

    fn hit(&self, now: Duration) -> Check {
        let fresh_for = self.fresh_until.saturating_sub(now).as_millis();
        let found = format!("cached introspection result, fresh for {fresh_for} ms");
        let expected = "a result within its cache time".to_owned();
        Check { rule: Rule::Cached, passed: self.result.is_ok(), expected, found }
    }
}

/// A response of the introspection endpoint.
struct Introspected {
    active: bool,
    claims: TokenClaims,
}

/// The maximum number of cached results. A token with large claims counts as several.
const CACHE_CAPACITY: u64 = 10_000;
/// How far the issuer's clock and ours may differ, in seconds.
const LEEWAY_SECONDS: i64 = 5;

impl Introspection {
    /// # Errors
    /// Returns what is wrong with the URL of the endpoint.
    pub(crate) fn new(
        settings: IntrospectionSettings,
        scope_claims: ScopeClaims,
        issuer_client: Arc<IssuerClient>,
    ) -> Result<Self, &'static str> {
        let IntrospectionSettings { client_id, client_secret, cache_ttl, .. } = settings;
        let method = ClientAuthMethod::Basic;
        Ok(Self {
            credentials: ClientCredentials {
                client_id,
                client_secret: Some(client_secret),
                method,
            },
            cache_ttl,
            endpoint: settings.endpoint.as_deref().map(parse_endpoint_url).transpose()?,
            audience_required: settings.audience_required,
            scope_claims,
            issuer_client,
            cache: TokenCache::new(CACHE_CAPACITY),
        })
    }

    pub(crate) async fn warm_up(&self) -> Result<(), VerifyError> {
        self.endpoint().await.map(drop)
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.endpoint.is_some() || self.issuer_client.has_metadata()
    }

    /// An endpoint in the settings makes the metadata unnecessary: some issuers have none, or leave
    /// the endpoint out.
    async fn endpoint(&self) -> Result<Url, VerifyError> {
        if let Some(endpoint) = &self.endpoint {
            return Ok(endpoint.clone());
        }
        let metadata = self.issuer_client.metadata().await?;
        let published = metadata.introspection_endpoint.as_deref();
        self.issuer_client.endpoint("introspection_endpoint", published)
    }

    pub(crate) async fn verify(
        &self,
        token: &AccessToken,
        audiences: &[String],
    ) -> Result<Arc<VerifiedToken>, VerifyError> {
        let (hash, now) = (TokenHash::of(token), self.issuer_client.clock.uptime());
        let introspect = async {
            // Stale at once, so that the next caller asks again. Those that wait share it.
            let failed =
                |error| CachedIntrospection { result: Err(error), fresh_until: Duration::ZERO };
            self.introspect(token, audiences).await.unwrap_or_else(failed)
        };
        self.cache.get_or_insert(&hash, now, introspect).await.result
    }

    /// Returns an error only if the issuer sent no usable response. A rejected token is a result,
    /// and is cached like an accepted one.
    async fn introspect(
        &self,
        token: &AccessToken,
        audiences: &[String],
    ) -> Result<CachedIntrospection, VerifyError> {
        let response = self.request(token).await?;
        // The time of the response, not of the request: the token may have expired in between.
        let (now, uptime) = (self.issuer_client.clock.millis(), self.issuer_client.clock.uptime());
        // A result is never cached beyond the expiry of the token.
        let fresh_for = response.claims.times.exp.map_or(self.cache_ttl, |exp| {
            let left = exp.saturating_mul(1_000).saturating_sub(now);
            self.cache_ttl.min(Duration::from_millis(u64::try_from(left).unwrap_or_default()))
        });
        let result = self.check(response, audiences, now.div_euclid(1_000)).map(Arc::new);
        Ok(CachedIntrospection { result, fresh_until: uptime.saturating_add(fresh_for) })
    }

    async fn request(&self, token: &AccessToken) -> Result<Introspected, VerifyError> {
        let url = self.endpoint().await?;
        let mut request = FormRequest::new(&self.credentials);
        request.token("token", token);
        request.text("token_type_hint", "access_token");
        let response = request
            .send(&self.issuer_client.transport, url.clone())
            .await
            .map_err(|error| unreachable(&url, &error))?;
        // Our own credentials were rejected. That says nothing about the token.
        if matches!(response.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            let status = response.status.as_u16();
            let client_id = &self.credentials.client_id;
            tracing::error!(
                client_id,
                status,
                "introspection request rejected; compare client_id and client_secret with the issuer"
            );
            let reason = "the issuer rejects the introspection requests of this resource server";
            return Err(VerifyError::unavailable(reason, None));
        }
        self.read(&parse(&response, "the introspection response")?)
    }

    /// RFC 7662 §2.2: `active` is required. A member that is `null` counts as absent.
    fn read(&self, members: &Claims) -> Result<Introspected, VerifyError> {
        let unreadable = |problem: &str| {
            VerifyError::unavailable(
                format!("cannot read the introspection response: {problem}"),
                None,
            )
        };
        let Some(active) = members.get("active") else {
            return Err(unreadable("it has no boolean `active`"));
        };
        let present = members.iter().filter(|(name, value)| *name != "active" && !value.is_null());
        let claims = present.map(|(name, value)| (name.to_owned(), value.clone())).collect();
        let claims = TokenClaims::read(claims, &self.scope_claims)
            .map_err(|error| unreadable(&error.to_string()))?;
        Ok(Introspected { active, claims })
    }

    fn check(
        &self,
        Introspected { active, claims }: Introspected,
        audiences: &[String],
        now: i64,
    ) -> Result<VerifiedToken, VerifyError> {
        let found = || if active { "active" } else { "not active" }.to_owned();
        let failure =
            "the issuer reports that the access token is inactive, or not for this resource";
        check(Rule::Active, active, || "active".to_owned(), found, failure)?;
        check_kind(&claims.all)?;
        check_issuer(self.issuer_client.issuer.identifier(), claims.issuer.as_deref())?;
        check_audience(audiences, claims.audience.as_ref(), self.audience_required)?;
        check_times(now, LEEWAY_SECONDS, claims.times)?;
        // A token without `exp` is valid for as long as the response is cached.
        let cache_seconds = i64::try_from(self.cache_ttl.as_secs()).unwrap_or(i64::MAX);
        let expires_at = claims.times.exp.unwrap_or(now.saturating_add(cache_seconds));
        Ok(VerifiedToken::new(claims, expires_at))
    }
}

/// Some issuers report their refresh tokens and ID tokens as active (RFC 7662 §4: the resource
/// server must not take them for access tokens).
fn check_kind(claims: &Claims) -> Result<(), VerifyError> {
    claim_naming_another_kind(claims).map_or(Ok(()), |found| {
        let (expected, found) = (|| "an access token".to_owned(), || found.clone());
        check(Rule::Kind, false, expected, found, "the introspected token is not an access token")
    })
}
