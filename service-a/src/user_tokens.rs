//! The tokens of a person who is logged in, fresh.

use std::{sync::Arc, time::Duration};

use moka::future::Cache;
use secrecy::ExposeSecret;

use crate::{
    http::session::LoggedIn,
    login::Refusal,
    providers::{Provider, ProviderFailure, Step, UserTokens},
    random_id::Digest,
    services::Website,
};

/// The refreshes that run, or have just run. A rotated refresh token is good once: of many requests
/// at the same moment one asks, and the others, also those that read the session a moment too
/// early, take its answer.
#[derive(Clone)]
pub struct Refreshing(Cache<(Digest, Digest), UserTokens>);

/// Who still asks with the old tokens after that has read them long ago.
const REMEMBERED: Duration = Duration::from_secs(60);
const MAX_REMEMBERED: u64 = 10_000;

impl Default for Refreshing {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MAX_REMEMBERED).time_to_live(REMEMBERED).build())
    }
}

/// Tokens that are good for a while, refreshed if need be.
pub async fn fresh(website: &Arc<Website>, logged_in: &LoggedIn) -> Result<UserTokens, Refusal> {
    let tokens = UserTokens::open(&logged_in.secret, &logged_in.session.tokens)
        .ok_or(Refusal::NotLoggedIn)?;
    if tokens.is_fresh(website.clock.seconds()) {
        Ok(tokens)
    } else {
        renewed(website, logged_in, &tokens).await
    }
}

/// New tokens in place of these.
pub async fn renewed(
    website: &Arc<Website>,
    logged_in: &LoggedIn,
    old: &UserTokens,
) -> Result<UserTokens, Refusal> {
    let refresh_token = old.refresh_token.as_ref().ok_or(Refusal::NoPass)?;
    let provider = website.provider(&logged_in.session.provider).ok_or(Refusal::NoPass)?;
    let key = (logged_in.session.id, Digest::of(refresh_token.expose_secret()));
    let refresh = refresh_and_keep(website, logged_in, provider, old);
    website.refreshing.0.try_get_with(key, refresh).await.map_err(|failure| match &*failure {
        // The provider has withdrawn what it gave; only another login helps.
        ProviderFailure::GrantRefused(..) => Refusal::NoPass,
        failure => Refusal::Provider(failure.clone()),
    })
}

/// The refresh is nobody's own: else a browser that hangs up would break it off, after the provider
/// has spent the old refresh token and before the new one is kept.
async fn refresh_and_keep(
    website: &Arc<Website>,
    logged_in: &LoggedIn,
    provider: &Arc<Provider>,
    old: &UserTokens,
) -> Result<UserTokens, ProviderFailure> {
    let (website, provider, old) = (Arc::clone(website), Arc::clone(provider), old.clone());
    let (secret, id) = (logged_in.secret.clone(), logged_in.session.id);
    let refresh = tokio::spawn(async move {
        let fresh = provider.refresh(&old).await?;
        let sealed = fresh.seal(&secret, &website.entropy);
        let kept = match sealed {
            Ok(sealed) => {
                website.accounts.keep_tokens(&id, &sealed).await.map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = kept {
            tracing::error!(
                error,
                "refreshed tokens could not be kept; the person has to log in again when they end"
            );
        }
        Ok(fresh)
    });
    let broken_off =
        |_| Err(ProviderFailure::Unusable(Step::Token, "the refresh was broken off".to_owned()));
    refresh.await.unwrap_or_else(broken_off)
}
