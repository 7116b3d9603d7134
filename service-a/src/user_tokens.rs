//! Fresh tokens for the logged-in user.

use std::{sync::Arc, time::Duration};

use moka::future::Cache;
use secrecy::ExposeSecret;

use crate::{
    accounts::Session,
    providers::{Provider, ProviderError, ProviderRequest, UserTokens},
    random_id::{Digest, RandomId},
    services::Services,
};

/// How long the result of a refresh is kept. A request that read the session before the refresh
/// has long finished by then.
const RESULT_TTL: Duration = Duration::from_secs(60);
const MAX_RESULTS: u64 = 10_000;

/// Refreshes the tokens of sessions.
///
/// A rotated refresh token can be used once. Concurrent requests of one session therefore share one
/// refresh, including those that read the session just before the new tokens were stored.
pub struct TokenRefresher {
    services: Arc<Services>,
    /// By session and by digest of the old refresh token.
    refreshes: Cache<(Digest, Digest), UserTokens>,
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
}

impl TokenRefresher {
    pub fn new(services: Arc<Services>) -> Self {
        let refreshes = Cache::builder().max_capacity(MAX_RESULTS).time_to_live(RESULT_TTL).build();
        Self { services, refreshes }
    }

    /// Returns the tokens of the session, refreshed if they are about to expire.
    pub async fn fresh_tokens(
        &self,
        secret: &RandomId,
        session: &Session,
    ) -> Result<UserTokens, UserTokenError> {
        let tokens = UserTokens::open(secret, &session.sealed_tokens)
            .ok_or(UserTokenError::Undecryptable)?;
        if tokens.is_fresh(self.services.clock.seconds()) {
            Ok(tokens)
        } else {
            self.refresh(secret, session, &tokens).await
        }
    }

    /// Refreshes `old` and stores the new tokens in the session.
    pub async fn refresh(
        &self,
        secret: &RandomId,
        session: &Session,
        old: &UserTokens,
    ) -> Result<UserTokens, UserTokenError> {
        let refresh_token = old.refresh_token.as_ref().ok_or(UserTokenError::NotRenewable)?;
        let provider =
            self.services.provider(&session.provider).ok_or(UserTokenError::NotRenewable)?;
        let key = (session.id, Digest::of(refresh_token.expose_secret()));
        let refresh = refresh_and_store(&self.services, provider, secret, session.id, old);
        self.refreshes.try_get_with(key, refresh).await.map_err(|error| match &*error {
            // The provider has revoked the grant.
            ProviderError::InvalidGrant(..) => UserTokenError::NotRenewable,
            error => UserTokenError::Provider(error.clone()),
        })
    }
}

/// Runs in a task of its own. Otherwise a browser that disconnects could cancel the refresh after
/// the provider has consumed the old refresh token and before A has stored the new one.
async fn refresh_and_store(
    services: &Arc<Services>,
    provider: &Arc<Provider>,
    secret: &RandomId,
    session_id: Digest,
    old: &UserTokens,
) -> Result<UserTokens, ProviderError> {
    let (services, provider) = (Arc::clone(services), Arc::clone(provider));
    let (secret, old) = (secret.clone(), old.clone());
    let refresh = tokio::spawn(async move {
        let fresh = provider.refresh(&old).await?;
        let stored = match fresh.seal(&secret, services.random) {
            Ok(sealed) => services
                .accounts
                .update_tokens(&session_id, &sealed)
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
        Ok(fresh)
    });
    refresh.await.unwrap_or_else(|_| {
        let reason = "the refresh task failed".to_owned();
        Err(ProviderError::InvalidResponse(ProviderRequest::Token, reason))
    })
}
