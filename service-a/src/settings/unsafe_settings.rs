use service_kit::{UnsafeSetting, loopback_url, plain_http_listener, plain_http_url, weak_secret};
use sql_kit::{unchosen_database, unverified_database_tls};

use super::ServiceASettings;

/// Returns every setting that the production profile rejects.
pub(crate) fn unsafe_settings(settings: &ServiceASettings) -> Vec<UnsafeSetting> {
    let (local, introspection) = (&settings.targets.local, &settings.targets.introspection);
    let mut found = Vec::new();
    found.extend(plain_http_url("issuer", &settings.issuer));
    found.extend(loopback_url("issuer", &settings.issuer));
    found.extend(
        settings.internal_url.as_deref().and_then(|url| plain_http_url("internal_url", url)),
    );
    found.extend(plain_http_url("targets.local.url", &local.url));
    found.extend(loopback_url("targets.local.resource", &local.resource));
    found.extend(plain_http_url("targets.introspection.url", &introspection.url));
    found.extend(loopback_url("targets.introspection.resource", &introspection.resource));
    found.extend(plain_http_url("public_url", &settings.public_url));
    found.extend(loopback_url("public_url", &settings.public_url));
    found.extend(settings.proxies.unsafe_settings());
    found.extend(
        settings.providers.iter().flat_map(|(name, provider)| provider.unsafe_settings(name)),
    );
    found.extend(plain_http_listener(&settings.listen, &settings.tls));
    found.extend(unchosen_database(settings.database_url.as_ref()));
    found.extend(settings.database_url().ok().flatten().and_then(unverified_database_tls));
    match settings.secret() {
        Ok(secret) => found.extend(weak_secret("client_secret", secret.expose())),
        Err(error) => found.push(UnsafeSetting::new(
            "client_secret",
            format!("{error:#}"),
            "let C generate one",
        )),
    }
    if settings.legacy_secret_demo {
        let problem = "sends A's secret to B";
        found.push(UnsafeSetting::new("legacy_secret_demo", problem, "disable it"));
    }
    found.extend(settings.events.unsafe_setting());
    found.extend(settings.log.unsafe_setting());
    found
}

#[cfg(test)]
mod tests {
    use service_kit::SecretSetting;

    use super::*;
    use crate::settings::{ProviderSettings, Target};

    fn unsafe_names(settings: &ServiceASettings) -> Vec<&'static str> {
        unsafe_settings(settings).iter().map(|unsafe_setting| unsafe_setting.setting).collect()
    }

    #[test]
    fn demo_settings_are_unsafe_for_their_secret_database_and_loopback_urls() {
        let expected = [
            "issuer",
            "targets.local.resource",
            "targets.introspection.resource",
            "public_url",
            "database_url",
            "client_secret",
        ];
        assert_eq!(unsafe_names(&ServiceASettings::default()), expected);
    }

    #[test]
    fn every_unsafe_setting_is_reported() {
        let mut settings = ServiceASettings {
            issuer: "http://c.example".to_owned(),
            internal_url: Some("http://c.internal".to_owned()),
            listen: "0.0.0.0:9001".to_owned(),
            manage_listen: "0.0.0.0:9101".to_owned(),
            client_secret: Some(SecretSetting::new("short")),
            public_url: "http://a.example".to_owned(),
            database_url: Some(SecretSetting::new("postgres://a@db/accounts")),
            legacy_secret_demo: true,
            ..ServiceASettings::default()
        };
        let other = ProviderSettings {
            issuer: "http://other.example".to_owned(),
            client_secret: Some(SecretSetting::new("abc123")),
            ..ProviderSettings::default()
        };
        settings.providers.insert("other".to_owned(), other);
        settings.targets.local = Target {
            url: "http://b.example".to_owned(),
            resource: "https://b.example".to_owned(),
            token_exchange: false,
        };
        settings.log.otlp_endpoint = Some("http://collector:4318/v1/traces".to_owned());
        let expected = [
            "issuer",
            "internal_url",
            "targets.local.url",
            "targets.introspection.resource",
            "public_url",
            "providers",
            "providers",
            "listen",
            "database_url",
            "client_secret",
            "legacy_secret_demo",
            "log.otlp_endpoint",
        ];
        assert_eq!(unsafe_names(&settings), expected);
    }
}
