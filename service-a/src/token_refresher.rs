//! Refreshes the access tokens of logged-in users.

use std::{sync::Arc, time::Duration};

use flow_events::in_current_scope;
use moka::future::Cache;
use oauth_types::AccessToken;
use tokio::sync::Mutex;

use crate::{
    accounts::{Session, StoreError},
    providers::{
        Provider, ProviderError, ProviderRequest, TokenAudience, UserAccessToken, UserTokens,
    },
    random_id::{Digest, RandomId},
    services::Services,
};

/// How long an unused lock is kept. No refresh takes that long.
const LOCK_TTL: Duration = Duration::from_secs(60);
const MAX_LOCKS: u64 = 10_000;

/// Refreshes the tokens of sessions.
///
/// A rotated refresh token can be used once. Concurrent requests of one session therefore refresh
/// one after the other, and each reads the tokens that the one before it stored.
pub struct TokenRefresher {
    services: Arc<Services>,
    locks: Cache<Digest, Arc<Mutex<()>>>,
}

/// Why there are no usable tokens.
#[derive(Debug, thiserror::Error)]
pub enum UserTokenError {
    #[error("the tokens of the session cannot be decrypted")]
    Undecryptable,
    /// Only another login yields new tokens.
    #[error("the tokens cannot be refreshed")]
    NotRenewable,
    #[error("{0}")]
    Provider(ProviderError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TokenRefresher {
    pub fn new(services: Arc<Services>) -> Self {
        let locks = Cache::builder().max_capacity(MAX_LOCKS).time_to_idle(LOCK_TTL).build();
        Self { services, locks }
    }

    /// Returns an access token of the session for `audience`, other than the `rejected` one.
    /// Refreshes the tokens if there is none, or it is about to expire.
    ///
    /// # Errors
    /// Returns an error if the tokens of the session cannot be decrypted or refreshed.
    pub async fn token(
        &self,
        secret: &RandomId,
        session: &Session,
        audience: &TokenAudience,
        rejected: Option<&AccessToken>,
    ) -> Result<AccessToken, UserTokenError> {
        let tokens = UserTokens::open(secret, &session.sealed_tokens)
            .ok_or(UserTokenError::Undecryptable)?;
        let now = self.services.clock.seconds();
        if let Some(token) = usable(&tokens, audience, rejected, now) {
            return Ok(token);
        }
        let provider =
            self.services.provider(&session.provider).ok_or(UserTokenError::NotRenewable)?;
        let new_lock = async { Arc::new(Mutex::new(())) };
        let refresh = Refresh {
            lock: self.locks.get_with(session.id, new_lock).await,
            services: Arc::clone(&self.services),
            provider: Arc::clone(provider),
            secret: secret.clone(),
            session_id: session.id,
            audience: audience.clone(),
            rejected: rejected.cloned(),
        };
        // In a task of its own. Otherwise a browser that disconnects could cancel the refresh after
        // the provider has consumed the old refresh token and before A has stored the new one.
        tokio::spawn(in_current_scope(refresh.run())).await.unwrap_or_else(|_| {
            let reason = "the refresh task failed".to_owned();
            let request = ProviderRequest::Token;
            Err(UserTokenError::Provider(ProviderError::InvalidResponse(request, reason)))
        })
    }
}

/// A refresh of one session's tokens.
struct Refresh {
    lock: Arc<Mutex<()>>,
    services: Arc<Services>,
    provider: Arc<Provider>,
    secret: RandomId,
    session_id: Digest,
    audience: TokenAudience,
    rejected: Option<AccessToken>,
}

impl Refresh {
    async fn run(self) -> Result<AccessToken, UserTokenError> {
        let Self { services, audience, .. } = &self;
        let _guard = self.lock.lock().await;
        let now = services.clock.seconds();
        let session =
            services.accounts.load_session(&self.session_id, services.idle_cutoff(), now).await?;
        let session = session.ok_or(UserTokenError::NotRenewable)?;
        let tokens = UserTokens::open(&self.secret, &session.sealed_tokens)
            .ok_or(UserTokenError::Undecryptable)?;
        if let Some(token) = usable(&tokens, audience, self.rejected.as_ref(), now) {
            return Ok(token);
        }
        let fresh =
            self.provider.refresh(&tokens, audience).await.map_err(|error| match error {
                // There is no refresh token, or the provider has revoked the grant.
                ProviderError::InvalidGrant(..) => UserTokenError::NotRenewable,
                error => UserTokenError::Provider(error),
            })?;
        self.store(&fresh).await;
        let token = fresh.token_for(audience).ok_or(UserTokenError::NotRenewable)?;
        Ok(token.access_token.clone())
    }

    async fn store(&self, tokens: &UserTokens) {
        let stored = match tokens.seal(&self.secret, self.services.random) {
            Ok(sealed) => self
                .services
                .accounts
                .update_tokens(&self.session_id, &sealed)
                .await
                .map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = stored {
            tracing::error!(
                error,
                "failed to store refreshed tokens; the user must log in again when they expire"
            );
        }
    }
}

/// Returns the access token for `audience` if it is fresh and was not rejected.
fn usable(
    tokens: &UserTokens,
    audience: &TokenAudience,
    rejected: Option<&AccessToken>,
    now: i64,
) -> Option<AccessToken> {
    let is_rejected = |token: &UserAccessToken| {
        rejected.is_some_and(|rejected| rejected.fingerprint() == token.access_token.fingerprint())
    };
    let token = tokens.token_for(audience)?;
    (token.is_fresh(now) && !is_rejected(token)).then(|| token.access_token.clone())
}
