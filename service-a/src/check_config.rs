//! What `check-config` tries: it builds everything that the server builds from its settings.

use clock::Clock;
use service_kit::{
    Profile, Settings, UnsafeSetting, ensure_distinct_listeners, port_without_listener,
    telemetry::LogSettings,
};

use crate::{
    server,
    settings::{ServiceASettings, unsafe_settings},
};

impl Settings for ServiceASettings {
    const SERVICE: &'static str = "service-a";

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

    fn unsafe_settings(&self) -> Vec<UnsafeSetting> {
        unsafe_settings(self)
    }

    fn warnings(&self) -> Vec<UnsafeSetting> {
        let tls = if self.tls.cert_file.is_some() { self.listen.as_str() } else { "" };
        let proxy = self.proxies.unnamed_proxy(&self.public_url, &[tls]);
        let port = port_without_listener("public_url", &self.public_url, &[&self.listen]);
        proxy.into_iter().chain(port).collect()
    }

    fn validate(&self) -> anyhow::Result<()> {
        self.log.validate()?;
        ensure_distinct_listeners(self)?;
        server::Components::build(self, &Clock::system()).map(drop)
    }
}
