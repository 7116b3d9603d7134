//! The settings of A.

mod provider;
mod targets;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use clock::Clock;
use oauth_types::{ClientAuthMethod, ClientSecret, Scope, parse_endpoint_url};
use serde::{Deserialize, Serialize};
use service_kit::{
    EventSettings, HttpClientSettings, Limits, Profile, SecretSetting, Settings, TlsFiles,
    UnsafeSetting, loopback_url, plain_http_listener, plain_http_url, telemetry::LogSettings,
    weak_secret,
};
use sql_kit::{database_url, unverified_database_tls};
use url::Url;

pub use self::{
    provider::{ProviderKind, ProviderSettings},
    targets::{Target, Targets},
};

/// The provider that is there without being configured: C.
pub(crate) const PLATFORM: &str = "platform";

use crate::server;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceASettings {
    pub profile: Profile,
    /// The issuer identifier of C.
    pub issuer: String,
    /// Where A reaches C, if not at the issuer's address.
    pub internal_url: Option<String>,
    /// The only certificate authorities that A believes, as PEM; without it those of the system.
    pub ca_file: Option<PathBuf>,
    /// Where A is served, as `host:port`.
    pub listen: String,
    /// The website's address as browsers know it.
    pub public_url: String,
    /// Where the website keeps its accounts.
    pub data_dir: PathBuf,
    /// A PostgreSQL database for them, as `postgres://user:password@host/database`; empty for a
    /// file in `data_dir`.
    pub database_url: Option<SecretSetting>,
    /// Whom people can log in with. `platform` is C, and there unless it is disabled.
    pub providers: BTreeMap<String, ProviderSettings>,
    pub sessions: SessionSettings,
    /// Templates and texts in place of the built-in ones.
    pub pages_dir: Option<PathBuf>,
    pub client_id: String,
    pub client_secret: Option<SecretSetting>,
    /// The secret in a file, as container engines mount it.
    pub client_secret_file: Option<PathBuf>,
    /// How A shows its secret to C.
    pub token_endpoint_auth_method: ClientAuthMethod,
    /// What A asks for, with spaces between.
    pub scope: String,
    pub targets: Targets,
    /// The document's contrast: show the secret to B itself. For teaching, never for use.
    pub legacy_secret_demo: bool,
    /// How long a call of B or C may take, in milliseconds.
    pub call_timeout_millis: u64,
    pub tls: TlsFiles,
    /// Who watches the flows.
    pub events: EventSettings,
    pub limits: Limits,
    pub log: LogSettings,
}

/// How long people stay logged in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SessionSettings {
    /// Without a visit, in seconds.
    pub idle_timeout_seconds: u32,
    /// At most, in seconds.
    pub absolute_timeout_seconds: u32,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self { idle_timeout_seconds: 3_600, absolute_timeout_seconds: 86_400 }
    }
}

impl Default for ServiceASettings {
    fn default() -> Self {
        Self {
            profile: Profile::default(),
            issuer: "http://localhost:9000".to_owned(),
            internal_url: None,
            ca_file: None,
            listen: "127.0.0.1:9001".to_owned(),
            public_url: "http://localhost:9001".to_owned(),
            data_dir: "gatepass-data".into(),
            database_url: None,
            providers: BTreeMap::new(),
            sessions: SessionSettings::default(),
            pages_dir: None,
            client_id: "service-a".to_owned(),
            client_secret: None,
            client_secret_file: None,
            token_endpoint_auth_method: ClientAuthMethod::default(),
            scope: "resource:read resource:write".to_owned(),
            targets: Targets::default(),
            legacy_secret_demo: false,
            call_timeout_millis: 5_000,
            tls: TlsFiles::default(),
            events: EventSettings::default(),
            limits: Limits::default(),
            log: LogSettings::default(),
        }
    }
}

impl ServiceASettings {
    /// The secret that A shows to C.
    ///
    /// # Errors
    /// When none is set, or its file cannot be read.
    pub fn secret(&self) -> anyhow::Result<ClientSecret> {
        let (inline, file) = (self.client_secret.as_ref(), self.client_secret_file.as_ref());
        let secret = SecretSetting::resolve("client_secret", inline, file, self.profile)?;
        Ok(ClientSecret::new(secret.expose()))
    }

    /// Both Bs have to be reachable by a request, whichever is asked for first.
    ///
    /// # Errors
    /// When a URL of a B is none.
    pub fn check_targets(&self) -> anyhow::Result<()> {
        for (name, target) in
            [("local", &self.targets.local), ("introspection", &self.targets.introspection)]
        {
            for (part, url) in [("url", &target.url), ("resource", &target.resource)] {
                let usable = parse_endpoint_url(url).map_err(anyhow::Error::msg);
                usable.with_context(|| format!("the setting `targets.{name}.{part}`"))?;
            }
        }
        Ok(())
    }

    /// # Errors
    /// When the setting is no scope.
    pub fn scope(&self) -> anyhow::Result<Scope> {
        self.scope.parse().context("the setting `scope`")
    }

    /// The PostgreSQL database of the accounts, where it is not the file.
    ///
    /// # Errors
    /// When it cannot be one. Nothing of its value is in the error.
    pub fn database_url(&self) -> anyhow::Result<Option<&str>> {
        database_url(self.database_url.as_ref()).map_err(anyhow::Error::msg)
    }

    /// How A calls others.
    pub fn http(&self) -> HttpClientSettings {
        HttpClientSettings {
            ca_file: self.ca_file.clone(),
            timeout: self.call_timeout(),
            ..HttpClientSettings::default()
        }
    }

    /// The website's address, in which its paths begin at the root.
    ///
    /// # Errors
    /// When the setting is no such address.
    pub fn public_origin(&self) -> anyhow::Result<Url> {
        let wrong = |problem: &str| {
            anyhow::anyhow!("the setting `public_url`: {problem}: {}", self.public_url)
        };
        let url = parse_endpoint_url(&self.public_url).map_err(wrong)?;
        if url.path() == "/" && url.query().is_none() {
            Ok(url)
        } else {
            Err(wrong("it has a path or a query"))
        }
    }

    /// Everybody whom people can log in with, each with all it needs.
    ///
    /// # Errors
    /// When a name cannot stand in a URL, or C's secret cannot be had.
    pub fn all_providers(&self) -> anyhow::Result<BTreeMap<String, ProviderSettings>> {
        let mut all = self.providers.clone();
        all.entry(PLATFORM.to_owned()).or_default();
        all.retain(|_, provider| provider.enabled);
        for (name, provider) in &mut all {
            let sane =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            anyhow::ensure!(
                !name.is_empty() && name.bytes().all(sane),
                "the provider `{name}`: use small letters, digits and `-`"
            );
            if name == PLATFORM {
                self.complete_platform(provider)?;
            }
            *provider = std::mem::take(provider).with_defaults();
        }
        Ok(all)
    }

    /// What the settings do not say of the platform is as A knows C already.
    fn complete_platform(&self, platform: &mut ProviderSettings) -> anyhow::Result<()> {
        if !platform.issuer.is_empty() && platform.issuer != self.issuer {
            return Ok(());
        }
        let targets = [&self.targets.local.resource, &self.targets.introspection.resource];
        let own = [
            (&mut platform.issuer, self.issuer.clone()),
            (&mut platform.client_id, self.client_id.clone()),
            (&mut platform.title, "the platform".to_owned()),
            (&mut platform.title_zh, "平台账号".to_owned()),
            (&mut platform.scopes, format!("openid profile email offline_access {}", self.scope)),
            (&mut platform.resources, targets.map(String::as_str).join(" ")),
        ];
        for (value, own) in own.into_iter().filter(|(value, _)| value.is_empty()) {
            *value = own;
        }
        platform.internal_url = platform.internal_url.take().or_else(|| self.internal_url.clone());
        platform.ca_file = platform.ca_file.take().or_else(|| self.ca_file.clone());
        if platform.client_secret.is_none() && platform.client_secret_file.is_none() {
            platform.client_secret = Some(SecretSetting::new(self.secret()?.expose()));
        }
        Ok(())
    }

    /// How long a whole call of B may take: a little less than the request that it is made for.
    pub fn patience(&self) -> Duration {
        Duration::from_secs(self.limits.request_seconds) * 9 / 10
    }

    pub fn call_timeout(&self) -> Duration {
        Duration::from_millis(self.call_timeout_millis)
    }
}

impl Settings for ServiceASettings {
    const SERVICE: &'static str = "service-a";
    const SECRET_URL_SETTINGS: &'static [&'static str] = &["database_url"];

    fn profile(&self) -> Profile {
        self.profile
    }

    fn listener(&self) -> (&str, Option<&Path>) {
        (&self.listen, self.tls.cert_file.as_deref())
    }

    fn log(&self) -> &LogSettings {
        &self.log
    }

    fn unsafe_settings(&self) -> Vec<UnsafeSetting> {
        let mut findings = Vec::new();
        findings.extend(plain_http_url("issuer", &self.issuer));
        findings.extend(loopback_url("issuer", &self.issuer));
        findings.extend(
            self.internal_url.as_deref().and_then(|url| plain_http_url("internal_url", url)),
        );
        findings.extend(plain_http_url("targets.local.url", &self.targets.local.url));
        findings.extend(loopback_url("targets.local.resource", &self.targets.local.resource));
        findings
            .extend(plain_http_url("targets.introspection.url", &self.targets.introspection.url));
        findings.extend(loopback_url(
            "targets.introspection.resource",
            &self.targets.introspection.resource,
        ));
        findings.extend(plain_http_url("public_url", &self.public_url));
        findings.extend(loopback_url("public_url", &self.public_url));
        findings.extend(
            self.providers.iter().flat_map(|(name, provider)| provider.unsafe_settings(name)),
        );
        findings.extend(plain_http_listener(&self.listen, &self.tls));
        findings.extend(self.database_url().ok().flatten().and_then(unverified_database_tls));
        match self.secret() {
            Ok(secret) => findings.extend(weak_secret("client_secret", secret.expose())),
            Err(error) => findings.push(UnsafeSetting::new(
                "client_secret",
                format!("{error:#}"),
                "let C make one",
            )),
        }
        if self.legacy_secret_demo {
            findings.push(UnsafeSetting::new(
                "legacy_secret_demo",
                "shows the secret to B",
                "switch it off",
            ));
        }
        findings.extend(self.events.unsafe_setting());
        findings.extend(self.log.unsafe_setting());
        findings
    }

    fn validate(&self) -> anyhow::Result<()> {
        self.log.validate()?;
        server::make(self, &Clock::system()).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(settings: &ServiceASettings) -> Vec<&'static str> {
        settings.unsafe_settings().iter().map(|finding| finding.setting).collect()
    }

    #[test]
    fn the_demo_is_unsafe_for_its_secret_and_for_names_that_only_this_machine_knows() {
        let expected = [
            "issuer",
            "targets.local.resource",
            "targets.introspection.resource",
            "public_url",
            "client_secret",
        ];
        assert_eq!(named(&ServiceASettings::default()), expected);
    }

    #[test]
    fn each_unsafe_setting_is_found() {
        let mut settings = ServiceASettings {
            issuer: "http://c.example".to_owned(),
            internal_url: Some("http://c.internal".to_owned()),
            listen: "0.0.0.0:9001".to_owned(),
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
        assert_eq!(named(&settings), expected);
    }

    #[test]
    fn the_platform_is_there_as_a_knows_c_and_can_be_changed_or_switched_off() {
        let mut settings = ServiceASettings {
            internal_url: Some("https://c:9443".to_owned()),
            ..Default::default()
        };
        let platform = settings.all_providers().unwrap().remove("platform").unwrap();
        assert_eq!(
            (platform.issuer.as_str(), platform.client_id.as_str()),
            ("http://localhost:9000", "service-a")
        );
        assert_eq!(platform.internal_url.as_deref(), Some("https://c:9443"));
        assert_eq!(
            platform.scopes,
            "openid profile email offline_access resource:read resource:write"
        );
        assert_eq!(platform.resources, "http://localhost:9002 http://localhost:9003");
        assert_eq!(platform.secret().unwrap().expose(), "abc123");

        let elsewhere =
            ProviderSettings { issuer: "https://other.example".to_owned(), ..Default::default() };
        settings.providers.insert("platform".to_owned(), elsewhere);
        let platform = settings.all_providers().unwrap().remove("platform").unwrap();
        assert!(
            platform.internal_url.is_none() && platform.secret().is_err(),
            "C's secret is for C alone"
        );

        let off = ProviderSettings { enabled: false, ..ProviderSettings::default() };
        settings.providers.insert("platform".to_owned(), off);
        assert!(settings.all_providers().unwrap().is_empty());
    }

    #[test]
    fn a_provider_is_named_so_that_it_can_stand_in_a_url() {
        for bad in ["Google", "a/b", "a b", "ä", ""] {
            let mut settings = ServiceASettings::default();
            settings.providers.insert(bad.to_owned(), ProviderSettings::default());
            assert!(settings.all_providers().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_public_address_begins_at_the_root() {
        let origin = |url: &str| {
            ServiceASettings { public_url: url.to_owned(), ..Default::default() }.public_origin()
        };
        assert!(origin("http://localhost:9001").is_ok() && origin("https://a.example/").is_ok());
        for bad in
            ["a.example", "https://a.example/website", "https://a.example/?x", "ftp://a.example"]
        {
            assert!(origin(bad).is_err(), "{bad}");
        }
    }
}
