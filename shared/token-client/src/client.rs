use std::{fmt, sync::Arc, time::Duration};

use clock::Clock;
use flow_events::{Event, emit};
use oauth_types::{AccessToken, ClientSecret, Issuer};
use tokio::sync::OnceCell;
use url::Url;

use crate::{
    builder::TokenClientBuilder,
    cached_token::CachedToken,
    client_auth::ClientAuth,
    discovery,
    error::TokenError,
    grants::{client_credentials, token_exchange},
    retry,
    token_cell::{FetchPermit, Freshness, Outcome, TokenCell},
    token_target::{TokenCells, TokenTarget},
    transport::HttpTransport,
};

/// After a failed fetch ahead of expiry the old token is used on in peace for so long, in seconds.
const REFRESH_BACKOFF_SECONDS: u64 = 5;

/// Gets access tokens and keeps them fresh. Clones are cheap and share one cache.
#[derive(Clone)]
pub struct TokenClient(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) issuer: Issuer,
    pub(crate) endpoint: OnceCell<Url>,
    pub(crate) transport: HttpTransport,
    pub(crate) auth: ClientAuth,
    pub(crate) clock: Clock,
    pub(crate) default_ttl: Duration,
    pub(crate) cells: TokenCells,
}

impl TokenClient {
    /// A client of `issuer`, which knows it as `client_id`.
    pub fn builder(
        issuer: impl Into<String>,
        client_id: impl Into<String>,
        secret: ClientSecret,
    ) -> TokenClientBuilder {
        TokenClientBuilder::new(issuer.into(), client_id.into(), secret)
    }

    /// A token that is good now: from the cache, or else from the authorization server.
    ///
    /// # Errors
    /// [`TokenError`] when there is none in the cache and none could be fetched.
    pub async fn token(&self, need: &TokenTarget) -> Result<Arc<CachedToken>, TokenError> {
        let cell = self.0.cells.cell(need);
        let now = self.0.clock.seconds();
        let (seen, freshness) = cell.look(now);
        match freshness {
            Freshness::Fresh(token) => Ok(reused(token, now)),
            Freshness::RefreshDue(token) => {
                if let Some(permit) = cell.try_acquire(seen) {
                    tokio::spawn(Arc::clone(&self.0).fetch_ahead(cell, permit, need.clone()));
                }
                Ok(reused(token, now))
            }
            Freshness::Missing => cell.join(seen, self.0.fetch(need)).await,
        }
    }

    /// A token with which this client acts for the user of `subject` (RFC 8693), and which says so.
    /// It is not kept.
    ///
    /// # Errors
    /// [`TokenError`] when none could be fetched. [`TokenError::ErrorResponse`] when `subject` is not in
    /// force any more.
    pub async fn exchange_token(
        &self,
        subject: &AccessToken,
        need: &TokenTarget,
    ) -> Result<AccessToken, TokenError> {
        retry::retry_transient(|| self.0.request_exchanged(subject, need)).await
    }

    /// The issuer identifier of the authorization server.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.0.issuer.identifier()
    }

    /// Drop `token` from the cache, because a resource server refused it. If another one has taken
    /// its place in the meantime, that one stays.
    pub fn invalidate(&self, need: &TokenTarget, token: &CachedToken) {
        if let Some(cell) = self.0.cells.known(need) {
            cell.invalidate(token);
        }
    }
}

impl Inner {
    async fn fetch(&self, need: &TokenTarget) -> Outcome {
        retry::retry_transient(|| self.request(need)).await.map(Arc::new)
    }

    async fn request(&self, need: &TokenTarget) -> Result<CachedToken, TokenError> {
        let endpoint = self.token_endpoint().await?;
        let sent_at = self.clock.seconds();
        let granted =
            client_credentials::request(&self.transport, endpoint, &self.auth, need).await?;
        Ok(CachedToken::new(granted, &need.scope, sent_at, self.default_ttl))
    }

    async fn request_exchanged(
        &self,
        subject: &AccessToken,
        need: &TokenTarget,
    ) -> Result<AccessToken, TokenError> {
        let endpoint = self.token_endpoint().await?;
        let granted =
            token_exchange::request(&self.transport, endpoint, &self.auth, subject, need).await?;
        Ok(granted.access_token)
    }

    async fn token_endpoint(&self) -> Result<Url, TokenError> {
        let discover = || discovery::token_endpoint(&self.transport, &self.issuer);
        self.endpoint.get_or_try_init(discover).await.cloned()
    }

    /// In the background: nobody has to wait for it, and no caller that goes away can break it off.
    async fn fetch_ahead(
        self: Arc<Self>,
        cell: Arc<TokenCell>,
        permit: FetchPermit,
        need: TokenTarget,
    ) {
        let outcome = self.fetch(&need).await;
        if let Err(error) = &outcome {
            tracing::warn!(%error, "the next token could not be fetched ahead of expiry; the old one is used on");
            let quiet =
                error.retry_after().map_or(0, |asked| asked.as_secs()).max(REFRESH_BACKOFF_SECONDS);
            cell.back_off_until(self.clock.seconds().saturating_add_unsigned(quiet));
        }
        // The outcome is for those who joined; here nobody waits for it.
        let _ = cell.land(permit, outcome);
    }
}

fn reused(token: Arc<CachedToken>, now: i64) -> Arc<CachedToken> {
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
            .field("client_id", &self.0.auth.client_id)
            .finish_non_exhaustive()
    }
}
