//! What `check-config` tries: it builds everything that the server builds from its settings.

use clock::Clock;
use service_kit::{
    Profile, Settings, UnsafeSetting, ensure_distinct_listeners, port_without_listener,
    telemetry::LogSettings,
};

use crate::{
    cors::AllowedOrigins,
    settings::{ServiceBSettings, unsafe_settings},
    verifier::{load_certificate, verifier},
};

impl Settings for ServiceBSettings {
    const SERVICE: &'static str = "service-b";

    fn profile(&self) -> Profile {
        self.profile
    }

    fn listen(&self) -> &str {
        &self.listen
    }

    fn manage_listen(&self) -> &str {
        &self.manage_listen
    }

    fn log(&self) -> &LogSettings {
        &self.log
    }

    fn warnings(&self) -> Vec<UnsafeSetting> {
        port_without_listener("resource", &self.resource, &[&self.listen]).into_iter().collect()
    }

    fn unsafe_settings(&self) -> Vec<UnsafeSetting> {
        unsafe_settings(self)
    }

    fn validate(&self) -> anyhow::Result<()> {
        self.log.validate()?;
        ensure_distinct_listeners(self)?;
        load_certificate(self)?;
        self.proxies.check().map_err(anyhow::Error::msg)?;
        self.hosts().map_err(anyhow::Error::msg)?;
        AllowedOrigins::parse(&self.cors.allowed_origins).map_err(anyhow::Error::msg)?;
        verifier(self, Clock::system()).map(drop)
    }
}
