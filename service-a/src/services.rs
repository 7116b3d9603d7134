use std::sync::Arc;

use clock::Clock;
use pages::Language;
use url::Url;

use crate::{
    accounts::AccountStore,
    http::cookies::Cookies,
    providers::{Provider, Providers},
    secure_random::Entropy,
    settings::SessionSettings,
    user_tokens::Refreshing,
};

/// What the pages share.
pub struct Website {
    pub accounts: Arc<dyn AccountStore>,
    pub providers: Providers,
    pub refreshing: Refreshing,
    pub cookies: Cookies,
    pub public_url: Url,
    pub sessions: SessionSettings,
    pub clock: Clock,
    pub entropy: Entropy,
}

impl Website {
    pub fn provider(&self, name: &str) -> Option<&Arc<Provider>> {
        self.providers.get(name)
    }

    /// Where a form may lead on to, with spaces between.
    pub fn browser_urls(&self) -> String {
        self.providers
            .values()
            .flat_map(|provider| provider.browser_urls())
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// A session that was not seen since then has ended.
    pub fn idle_since(&self) -> i64 {
        self.clock.seconds() - i64::from(self.sessions.idle_timeout_seconds)
    }

    /// The title of a provider that accounts remember by name; it may have left the settings since.
    pub fn title_of(&self, name: &str, language: Language) -> String {
        self.provider(name).map_or(name, |provider| provider.title_in(language)).to_owned()
    }
}
