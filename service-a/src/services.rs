use std::sync::Arc;

use clock::Clock;
use pages::Language;
use url::Url;

use crate::{
    accounts::AccountStore,
    providers::{Provider, Providers},
    secure_random::SecureRandom,
    settings::SessionSettings,
};

/// Dependencies of the website handlers.
pub struct Services {
    pub accounts: Arc<dyn AccountStore>,
    pub providers: Providers,
    /// Address of the website as browsers see it.
    pub public_url: Url,
    pub sessions: SessionSettings,
    pub clock: Clock,
    pub random: SecureRandom,
}

impl Services {
    /// Returns the provider with this name in the settings.
    pub fn provider(&self, name: &str) -> Option<&Arc<Provider>> {
        self.providers.get(name)
    }

    /// Returns the Unix time at which a session that was last used then has just timed out.
    pub fn idle_cutoff(&self) -> i64 {
        self.clock.seconds() - i64::from(self.sessions.idle_timeout_seconds)
    }

    /// Returns the display name of a provider, or `name` if the provider is no longer configured.
    pub fn provider_title(&self, name: &str, language: Language) -> String {
        self.provider(name).map_or(name, |provider| provider.title(language)).to_owned()
    }
}
