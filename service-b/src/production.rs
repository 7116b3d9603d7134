//! What production requires of the settings, and what `check-config` tries.

use clock::Clock;
use service_kit::{
    Profile, Settings, UnsafeSetting, ensure_distinct_listeners, loopback_url, plain_http_listener,
    plain_http_url, port_without_listener, telemetry::LogSettings, weak_secret,
};

use crate::{
    cors::AllowedOrigins,
    settings::{Mode, ServiceBSettings},
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
        let mut problems = Vec::new();
        problems.extend(plain_http_url("issuer", &self.issuer));
        problems.extend(loopback_url("issuer", &self.issuer));
        problems.extend(loopback_url("resource", &self.resource));
        problems.extend(
            self.internal_url.as_deref().and_then(|url| plain_http_url("internal_url", url)),
        );
        let endpoint = self.introspection.endpoint.as_deref();
        problems.extend(endpoint.and_then(|url| plain_http_url("introspection.endpoint", url)));
        problems.extend(plain_http_listener(&self.listen, &self.tls));
        problems.extend(self.proxies.unsafe_settings());
        if self.mode != Mode::Local {
            let setting = "introspection.client_secret";
            match self.introspection_secret() {
                Ok(secret) => problems.extend(weak_secret(setting, secret.expose())),
                Err(error) => problems.push(UnsafeSetting::new(
                    setting,
                    format!("{error:#}"),
                    "let the issuer generate one",
                )),
            }
        }
        if self.local.hs256_secret.is_some() {
            problems.push(UnsafeSetting::new(
                "local.hs256_secret",
                "lets B create tokens itself",
                "use ES256",
            ));
        }
        if self.local.leeway_seconds > 60 {
            problems.push(UnsafeSetting::new(
                "local.leeway_seconds",
                "accepts tokens for minutes after they expire",
                "use 5",
            ));
        }
        if self.introspection.cache_seconds > 60 {
            problems.push(UnsafeSetting::new(
                "introspection.cache_seconds",
                "accepts revoked tokens for minutes",
                "use 2",
            ));
        }
        if self.legacy_secret_demo {
            problems.push(UnsafeSetting::new(
                "legacy_secret_demo",
                "makes B accept client secrets",
                "turn it off",
            ));
        }
        problems.extend(self.events.unsafe_setting());
        problems.extend(self.log.unsafe_setting());
        problems
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

#[cfg(test)]
mod tests {
    use service_kit::SecretSetting;

    use super::*;

    fn named(settings: &ServiceBSettings) -> Vec<&'static str> {
        settings.unsafe_settings().iter().map(|finding| finding.setting).collect()
    }

    #[test]
    fn default_settings_are_unsafe_only_for_loopback_urls() {
        assert_eq!(
            named(&ServiceBSettings::default()),
            ["issuer", "resource"],
            "loopback addresses"
        );
    }

    #[test]
    fn every_unsafe_setting_is_reported() {
        let mut settings = ServiceBSettings {
            issuer: "http://c.example".to_owned(),
            internal_url: Some("http://c.internal".to_owned()),
            listen: "0.0.0.0:9002".to_owned(),
            manage_listen: "0.0.0.0:9102".to_owned(),
            mode: Mode::Introspection,
            legacy_secret_demo: true,
            ..ServiceBSettings::default()
        };
        settings.local.hs256_secret = Some(SecretSetting::new("x"));
        settings.introspection.endpoint = Some("http://c.internal/introspect".to_owned());
        (settings.local.leeway_seconds, settings.introspection.cache_seconds) = (61, 61);
        settings.log.otlp_endpoint = Some("http://collector:4318/v1/traces".to_owned());
        let expected = [
            "issuer",
            "resource",
            "internal_url",
            "introspection.endpoint",
            "listen",
            "introspection.client_secret",
            "local.hs256_secret",
            "local.leeway_seconds",
            "introspection.cache_seconds",
            "legacy_secret_demo",
            "log.otlp_endpoint",
        ];
        assert_eq!(named(&settings), expected);
    }
}
