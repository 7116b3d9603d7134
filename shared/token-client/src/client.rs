use std::{fmt, sync::Arc, time::Duration};

use clock::Clock;
use flow_events::{Event, emit};
use oauth_http::{ClientCredentials, FormRequest, HttpTransport, fetch_metadata};
use oauth_types::{AccessToken, Issuer, TokenResponse};
use tokio::sync::OnceCell;
use url::Url;

use crate::{
    cached_token::CachedToken,
    error::{Endpoint, TokenError},
    grants::{client_credentials, token_exchange},
    retry::retry_transient,
    token_cell::{FetchPermit, Freshness, Outcome, TokenCell},
    token_cells::TokenCells,
    token_response,
    token_target::TokenTarget,
};

/// After a failed refresh the next one starts no sooner than this, in seconds.
const REFRESH_BACKOFF_SECONDS: u64 = 5;

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
        let now = self.0.clock.seconds();
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

    /// Returns the issuer identifier of the authorization server.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.0.issuer.identifier()
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
    async fn fetch(&self, target: &TokenTarget) -> Outcome {
        retry_transient(|| self.request(target)).await.map(Arc::new)
    }

    async fn request(&self, target: &TokenTarget) -> Result<CachedToken, TokenError> {
        let endpoint = self.token_endpoint().await?;
        let sent_at = self.clock.seconds();
        let request = client_credentials::request(&self.credentials, target);
        let response = self.send(request, endpoint).await?;
        Ok(CachedToken::new(response, &target.scope, sent_at, self.default_ttl))
    }

    async fn send(&self, request: FormRequest<'_>, url: Url) -> Result<TokenResponse, TokenError> {
        let response = request.send(&self.transport, url.clone()).await.map_err(|error| {
            TokenError::transport(Endpoint::Token, url.to_string(), self.timeout, &error)
        })?;
        token_response::parse(&response, &url, &self.credentials)
    }

    async fn token_endpoint(&self) -> Result<Url, TokenError> {
        self.token_endpoint.get_or_try_init(|| self.discover()).await.cloned()
    }

    async fn discover(&self) -> Result<Url, TokenError> {
        let metadata = fetch_metadata(&self.transport, &self.issuer)
            .await
            .map_err(|error| TokenError::discovery(error, self.timeout))?;
        let invalid = |problem| TokenError::InvalidResponse {
            endpoint: Endpoint::Metadata,
            url: self.issuer.identifier().to_owned(),
            status: 200,
            problem,
        };
        let published =
            metadata.token_endpoint.ok_or_else(|| invalid("the metadata has no token_endpoint"))?;
        self.issuer.resolve_endpoint(&published).map_err(|_| {
            invalid("the token_endpoint is not an absolute http(s) URL, or is plain http although the server is reached by https")
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
            let retry_after = error.retry_after().map_or(0, |delay| delay.as_secs());
            let backoff = retry_after.max(REFRESH_BACKOFF_SECONDS);
            cell.back_off_until(self.clock.seconds().saturating_add_unsigned(backoff));
        }
        // The outcome is for callers that joined; this task needs none.
        let _ = cell.complete(permit, outcome);
    }
}

fn reuse(token: Arc<CachedToken>, now: i64) -> Arc<CachedToken> {
    emit(|| Event::TokenReused {
        token: token.access_token.fingerprint(),
        expires_in: token.expires_at - now,
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
