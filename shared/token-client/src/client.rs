use std::{fmt, sync::Arc, time::Duration};

use clock::Clock;
use flow_events::{Event, emit};
use oauth_http::{ClientCredentials, FormRequest, HttpTransport, fetch_metadata};
use oauth_types::{AccessToken, AuthorizationServerMetadata, Issuer, RefreshToken, TokenResponse};
use tokio::sync::OnceCell;
use url::Url;

use crate::{
    authorization_code::AuthorizationCode,
    cached_token::{CachedToken, SentAt},
    device_authorization::{DeviceAuthorization, next_interval},
    error::{Endpoint, TokenError},
    grants::{authorization_code, client_credentials, device_code, refresh_token, token_exchange},
    retry::retry_transient,
    token_cell::{FetchPermit, FetchResult, Freshness, TokenCell},
    token_cells::TokenCells,
    token_response,
    token_target::TokenTarget,
};

/// After a failed refresh the next one starts no sooner than this.
const REFRESH_BACKOFF: Duration = Duration::from_secs(5);

/// Obtains access tokens and refreshes them before they expire. Clones are cheap and share one
/// cache.
#[derive(Clone)]
pub struct TokenClient(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) issuer: Issuer,
    pub(crate) token_endpoint: OnceCell<Url>,
    pub(crate) transport: HttpTransport,
    pub(crate) timeout: Duration,
    pub(crate) credentials: ClientCredentials,
    pub(crate) clock: Clock,
    pub(crate) default_ttl: Duration,
    pub(crate) cells: TokenCells,
}

impl TokenClient {
    /// Returns a valid token for `target`, from the cache or from the authorization server.
    ///
    /// # Errors
    /// Returns a [`TokenError`] if the cache holds no valid token and none could be fetched.
    pub async fn token(&self, target: &TokenTarget) -> Result<Arc<CachedToken>, TokenError> {
        let cell = self.0.cells.cell(target);
        let now = self.0.clock.uptime();
        let (seen, freshness) = cell.read(now);
        match freshness {
            Freshness::Fresh(token) => Ok(reuse(token, now)),
            Freshness::RefreshDue(token) => {
                if let Some(permit) = cell.try_acquire(seen) {
                    tokio::spawn(Arc::clone(&self.0).refresh(cell, permit, target.clone()));
                }
                Ok(reuse(token, now))
            }
            Freshness::Missing => cell.join(seen, self.0.fetch(target)).await,
        }
    }

    /// Exchanges a user's token for one with which this client acts for the user (RFC 8693). The
    /// result is not cached.
    ///
    /// # Errors
    /// Returns a [`TokenError`] if no token could be fetched: [`TokenError::ErrorResponse`] if
    /// `subject` has expired or was revoked.
    pub async fn exchange_token(
        &self,
        subject: &AccessToken,
        target: &TokenTarget,
    ) -> Result<AccessToken, TokenError> {
        let inner = &self.0;
        let exchange = || async {
            let endpoint = inner.token_endpoint().await?;
            inner.send(token_exchange::request(&inner.credentials, subject, target), endpoint).await
        };
        Ok(retry_transient(exchange).await?.access_token)
    }

    /// Redeems the authorization code of a login (RFC 6749 §4.1.3, with PKCE of RFC 7636).
    ///
    /// The request is sent once, because it consumes the code. The ID token, if there is one, is
    /// not verified here.
    ///
    /// # Errors
    /// Returns a [`TokenError`] if there is no token: [`TokenError::ErrorResponse`] if the code has
    /// expired, was redeemed before, or is not of this client.
    pub async fn redeem_code(&self, code: &AuthorizationCode) -> Result<TokenResponse, TokenError> {
        let inner = &self.0;
        let endpoint = inner.token_endpoint().await?;
        inner.send(authorization_code::request(&inner.credentials, code), endpoint).await
    }

    /// Refreshes the tokens of a user (RFC 6749 §6). With an empty target they keep their scope and
    /// resource. The request is sent once, because the server may consume the refresh token. If the
    /// response has a new one, keep that and forget the old one.
    ///
    /// # Errors
    /// Returns a [`TokenError`] if there is no token: [`TokenError::ErrorResponse`] if the refresh
    /// token has expired or was revoked.
    pub async fn refresh_user_token(
        &self,
        refresh_token: &RefreshToken,
        target: &TokenTarget,
    ) -> Result<TokenResponse, TokenError> {
        let inner = &self.0;
        let endpoint = inner.token_endpoint().await?;
        inner
            .send(refresh_token::request(&inner.credentials, refresh_token, target), endpoint)
            .await
    }

    /// Starts a login on another device (RFC 8628 §3.1). Show the code and the address of the
    /// result to the user, and then call [`poll_device_token`](Self::poll_device_token).
    ///
    /// # Errors
    /// Returns a [`TokenError`] if the server has no device authorization endpoint, or rejects the
    /// request.
    pub async fn authorize_device(
        &self,
        target: &TokenTarget,
    ) -> Result<DeviceAuthorization, TokenError> {
        let (inner, endpoint) = (&self.0, Endpoint::DeviceAuthorization);
        let url = inner
            .discover(
                |metadata| metadata.device_authorization_endpoint,
                "the metadata has no device_authorization_endpoint",
            )
            .await?;
        let request = device_code::authorization_request(&inner.credentials, target);
        let response = request.send(&inner.transport, url.clone()).await.map_err(|error| {
            TokenError::transport(endpoint, url.to_string(), inner.timeout, &error)
        })?;
        let read = token_response::device_authorization;
        token_response::parse(&response, endpoint, &url, &inner.credentials, read)
    }

    /// Polls until the user has decided (RFC 8628 §3.4), at the pace that the server asks for.
    ///
    /// # Errors
    /// Returns a [`TokenError`]: [`TokenError::ErrorResponse`] if the user denied the request or
    /// the codes have expired.
    pub async fn poll_device_token(
        &self,
        authorization: &DeviceAuthorization,
    ) -> Result<TokenResponse, TokenError> {
        let inner = &self.0;
        let endpoint = inner.token_endpoint().await?;
        let lifetime = Duration::from_secs(authorization.expires_in);
        let deadline = inner.clock.uptime().saturating_add(lifetime);
        let mut interval = authorization.interval();
        loop {
            tokio::time::sleep(interval).await;
            let request = device_code::request(&inner.credentials, authorization);
            let error = match inner.send(request, endpoint.clone()).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            match next_interval(&error, interval) {
                // The server answers `expired_token`. This is for one that never does.
                Some(next) if inner.clock.uptime() < deadline => interval = next,
                _ => return Err(error),
            }
        }
    }

    /// Returns the issuer identifier of the authorization server.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.0.issuer.identifier()
    }

    /// Removes the token for `target` from the cache, so that the next call fetches a new one.
    pub fn forget(&self, target: &TokenTarget) {
        if let Some(cell) = self.0.cells.get(target) {
            cell.clear();
        }
    }

    /// Removes `token` from the cache, because a resource server rejected it. A newer token for the
    /// same target stays.
    pub fn invalidate(&self, target: &TokenTarget, token: &CachedToken) {
        if let Some(cell) = self.0.cells.get(target) {
            cell.invalidate(token);
        }
    }
}

impl Inner {
    async fn fetch(&self, target: &TokenTarget) -> FetchResult {
        retry_transient(|| self.request(target)).await.map(Arc::new)
    }

    async fn request(&self, target: &TokenTarget) -> Result<CachedToken, TokenError> {
        let endpoint = self.token_endpoint().await?;
        let sent_at = SentAt { unix: self.clock.seconds(), uptime: self.clock.uptime() };
        let request = client_credentials::request(&self.credentials, target);
        let response = self.send(request, endpoint).await?;
        Ok(CachedToken::new(response, &target.scope, sent_at, self.default_ttl))
    }

    async fn send(&self, request: FormRequest<'_>, url: Url) -> Result<TokenResponse, TokenError> {
        let response = request.send(&self.transport, url.clone()).await.map_err(|error| {
            TokenError::transport(Endpoint::Token, url.to_string(), self.timeout, &error)
        })?;
        let endpoint = Endpoint::Token;
        token_response::parse(&response, endpoint, &url, &self.credentials, token_response::token)
    }

    async fn token_endpoint(&self) -> Result<Url, TokenError> {
        let discover = || {
            self.discover(|metadata| metadata.token_endpoint, "the metadata has no token_endpoint")
        };
        self.token_endpoint.get_or_try_init(discover).await.cloned()
    }

    /// Fetches the metadata, and returns the URL of an endpoint. `missing` is the error if it has
    /// none.
    async fn discover(
        &self,
        select: impl FnOnce(AuthorizationServerMetadata) -> Option<String>,
        missing: &'static str,
    ) -> Result<Url, TokenError> {
        let metadata = fetch_metadata(&self.transport, &self.issuer)
            .await
            .map_err(|error| TokenError::discovery(error, self.timeout))?;
        let invalid = |problem| TokenError::InvalidResponse {
            endpoint: Endpoint::Metadata,
            url: self.issuer.identifier().to_owned(),
            status: 200,
            problem,
        };
        let published = select(metadata).ok_or_else(|| invalid(missing))?;
        self.issuer.resolve_endpoint(&published).map_err(|_| {
            invalid("the endpoint in it is not an absolute http(s) URL, or is plain http although the server is reached by https")
        })
    }

    /// Runs in its own task, so that no caller waits for it or aborts it by being cancelled.
    async fn refresh(
        self: Arc<Self>,
        cell: Arc<TokenCell>,
        permit: FetchPermit,
        target: TokenTarget,
    ) {
        let outcome = self.fetch(&target).await;
        if let Err(error) = &outcome {
            tracing::warn!(%error, "failed to refresh access token; the current one stays in use");
            let backoff = error.retry_after().unwrap_or_default().max(REFRESH_BACKOFF);
            cell.back_off_until(self.clock.uptime().saturating_add(backoff));
        }
        // The outcome is for callers that joined; this task needs none.
        let _ = cell.complete(permit, outcome);
    }
}

fn reuse(token: Arc<CachedToken>, now: Duration) -> Arc<CachedToken> {
    emit(|| Event::TokenReused {
        token: token.access_token.fingerprint(),
        expires_in: i64::try_from(token.fresh_until().saturating_sub(now).as_secs())
            .unwrap_or(i64::MAX),
    });
    token
}

impl fmt::Debug for TokenClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenClient")
            .field("issuer", &self.0.issuer.identifier())
            .field("client_id", &self.0.credentials.client_id)
            .finish_non_exhaustive()
    }
}
