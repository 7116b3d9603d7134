use std::{fmt, sync::Arc, time::Duration};

use claims::{ClientSecret, Issuer};
use clock::Clock;
use flow_events::{Event, emit};
use tokio::sync::OnceCell;
use url::Url;

use crate::{
    builder::TokenClientBuilder,
    cached_token::CachedToken,
    client_auth::ClientAuth,
    discovery,
    error::TokenError,
    exchange::Exchange,
    grants::client_credentials,
    needs::{Needs, TokenNeed},
    retry,
    slot::{Outcome, Seat, Slot, Standing},
};

/// After a failed fetch ahead of expiry the old token is used on in peace for so long, in seconds.
const QUIET_AFTER_FAILURE: u64 = 5;

/// Gets access tokens and keeps them fresh. Clones are cheap and share one cache.
#[derive(Clone)]
pub struct TokenClient(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) issuer: Issuer,
    pub(crate) endpoint: OnceCell<Url>,
    pub(crate) exchange: Exchange,
    pub(crate) auth: ClientAuth,
    pub(crate) clock: Clock,
    pub(crate) assumed_life: Duration,
    pub(crate) needs: Needs,
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
    pub async fn token(&self, need: &TokenNeed) -> Result<Arc<CachedToken>, TokenError> {
        let slot = self.0.needs.slot(need);
        let now = self.0.clock.seconds();
        let (seen, standing) = slot.look(now);
        match standing {
            Standing::Fresh(token) => Ok(reused(token, now)),
            Standing::Ageing(token) => {
                if let Some(seat) = slot.try_seat(seen) {
                    tokio::spawn(Arc::clone(&self.0).fetch_ahead(slot, seat, need.clone()));
                }
                Ok(reused(token, now))
            }
            Standing::Missing => slot.join(seen, self.0.fetch(need)).await,
        }
    }

    /// Drop `token` from the cache, because a resource server refused it. If another one has taken its place in the
    /// meantime, that one stays.
    pub fn forget(&self, need: &TokenNeed, token: &CachedToken) {
        if let Some(slot) = self.0.needs.known(need) {
            slot.forget(token);
        }
    }
}

impl Inner {
    async fn fetch(&self, need: &TokenNeed) -> Outcome {
        retry::while_it_passes(|| self.request(need)).await.map(Arc::new)
    }

    async fn request(&self, need: &TokenNeed) -> Result<CachedToken, TokenError> {
        let discover = || discovery::token_endpoint(&self.exchange, &self.issuer);
        let endpoint = self.endpoint.get_or_try_init(discover).await?.clone();
        let sent_at = self.clock.seconds();
        let granted = client_credentials::request(&self.exchange, endpoint, &self.auth, need).await?;
        Ok(CachedToken::new(granted, &need.scope, sent_at, self.assumed_life))
    }

    /// In the background: nobody has to wait for it, and no caller that goes away can break it off.
    async fn fetch_ahead(self: Arc<Self>, slot: Arc<Slot>, seat: Seat, need: TokenNeed) {
        let outcome = self.fetch(&need).await;
        if let Err(error) = &outcome {
            tracing::warn!(%error, "the next token could not be fetched ahead of expiry; the old one is used on");
            let quiet = error.retry_after().map_or(0, |asked| asked.as_secs()).max(QUIET_AFTER_FAILURE);
            slot.keep_quiet_until(self.clock.seconds().saturating_add_unsigned(quiet));
        }
        // The outcome is for those who joined; here nobody waits for it.
        let _ = slot.land(seat, outcome);
    }
}

fn reused(token: Arc<CachedToken>, now: i64) -> Arc<CachedToken> {
    emit(|| Event::TokenReused { token: token.token.fingerprint(), expires_in: token.expires_at - now });
    token
}

impl fmt::Debug for TokenClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenClient")
            .field("issuer", &self.0.issuer.name())
            .field("client_id", &self.0.auth.client_id)
            .finish_non_exhaustive()
    }
}
