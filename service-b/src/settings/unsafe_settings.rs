use service_kit::{UnsafeSetting, loopback_url, plain_http_listener, plain_http_url, weak_secret};

use super::{Mode, ServiceBSettings};

/// Returns every setting that the production profile rejects.
pub(crate) fn unsafe_settings(settings: &ServiceBSettings) -> Vec<UnsafeSetting> {
    let mut problems = Vec::new();
    problems.extend(plain_http_url("issuer", &settings.issuer));
    problems.extend(loopback_url("issuer", &settings.issuer));
    problems.extend(loopback_url("resource", &settings.resource));
    problems.extend(
        settings.internal_url.as_deref().and_then(|url| plain_http_url("internal_url", url)),
    );
    let endpoint = settings.introspection.endpoint.as_deref();
    problems.extend(endpoint.and_then(|url| plain_http_url("introspection.endpoint", url)));
    problems.extend(plain_http_listener(&settings.listen, &settings.tls));
    problems.extend(settings.proxies.unsafe_settings());
    if settings.mode != Mode::Local {
        let setting = "introspection.client_secret";
        match settings.introspection_secret() {
            Ok(secret) => problems.extend(weak_secret(setting, secret.expose())),
            Err(error) => problems.push(UnsafeSetting::new(
                setting,
                format!("{error:#}"),
                "let the issuer generate one",
            )),
        }
    }
    if settings.local.hs256_secret.is_some() {
        problems.push(UnsafeSetting::new(
            "local.hs256_secret",
            "lets B create tokens itself",
            "use ES256",
        ));
    }
    if settings.local.leeway_seconds > 60 {
        problems.push(UnsafeSetting::new(
            "local.leeway_seconds",
            "accepts tokens for minutes after they expire",
            "use 5",
        ));
    }
    if settings.introspection.cache_seconds > 60 {
        problems.push(UnsafeSetting::new(
            "introspection.cache_seconds",
            "accepts revoked tokens for minutes",
            "use 2",
        ));
    }
    if settings.legacy_secret_demo {
        problems.push(UnsafeSetting::new(
            "legacy_secret_demo",
            "makes B accept client secrets",
            "turn it off",
        ));
    }
    problems.extend(settings.events.unsafe_setting());
    problems.extend(settings.log.unsafe_setting());
    problems
}

#[cfg(test)]
mod tests {
    use service_kit::SecretSetting;

    use super::*;

    fn named(settings: &ServiceBSettings) -> Vec<&'static str> {
        unsafe_settings(settings).iter().map(|finding| finding.setting).collect()
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
