//! Settings of A.

mod provider;
mod targets;
mod unsafe_settings;

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use anyhow::Context;
use oauth_types::{ClientAuthMethod, ClientSecret, Scope, parse_endpoint_url};
use serde::{Deserialize, Serialize};
use service_kit::{
    EventSettings, Hosts, HttpClientSettings, Limits, Profile, ProxySettings, SecretSetting,
    TlsFiles, comma_list, telemetry::LogSettings,
};
use sql_kit::database_url;
use url::Url;

pub(crate) use self::unsafe_settings::unsafe_settings;
pub use self::{
    provider::{ProviderKind, ProviderSettings, ResponseMode},
    targets::{Target, Targets},
};

/// Name of the provider that exists by default: C.
pub(crate) const PLATFORM: &str = "platform";

/// Settings of A.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceASettings {
    /// `demo`, `test` or `production`. Default: `demo`. Production refuses to start with an unsafe
    /// setting and names each.
    pub profile: Profile,
    /// Issuer identifier of C. Default: `http://localhost:9000`. Production requires https and a
    /// host other than loopback.
    pub issuer: String,
    /// Base URL under which A reaches C, if it differs from `issuer`. Default: unset. Production
    /// requires https.
    pub internal_url: Option<String>,
    /// PEM file with the certificate authorities that A trusts for C and B, in place of those of
    /// the system. Default: unset.
    pub ca_file: Option<PathBuf>,
    /// Listener address as `host:port`. Default: `127.0.0.1:9001`. Production requires loopback or
    /// TLS.
    pub listen: String,
    /// Address of the management listener as `host:port`; empty disables it. It serves `/healthz`,
    /// `/readyz` and `/metrics` in plain http, also beyond loopback: let only probes and Prometheus
    /// reach it. Default: empty.
    pub manage_listen: String,
    /// URL of the website as browsers see it, without path and query. Default:
    /// `http://localhost:9001`. Production requires https and a host other than loopback.
    pub public_url: String,
    /// Directory of the SQLite database `service-a.db` with accounts and sessions; created if it is
    /// missing. Default: `gatepass-data`.
    pub data_dir: PathBuf,
    /// PostgreSQL database for accounts and sessions, as `postgres://user:password@host/database`,
    /// or `sqlite` for a SQLite file in `data_dir`. Default: unset, which is `sqlite`. Production
    /// requires the choice, and verified TLS (`sslmode=verify-full`) unless the host is loopback.
    pub database_url: Option<SecretSetting>,
    /// Time that one request may wait for PostgreSQL, over all its queries, in milliseconds, at
    /// least 1. Then its page has status 503. Default: 1500.
    pub database_timeout_millis: u64,
    /// Identity providers by name. The name is part of the redirect URI and consists of lower-case
    /// letters, digits and `-`. `platform` is C; it needs no configuration and exists unless it is
    /// disabled. Default: empty.
    pub providers: BTreeMap<String, ProviderSettings>,
    /// Lifetime of website sessions.
    pub sessions: SessionSettings,
    /// Directory with templates and texts that replace the built-in ones of the same name. Default:
    /// unset.
    pub pages_dir: Option<PathBuf>,
    /// URL at which browsers open the flow viewer, such as `http://localhost:9004`: every page links
    /// to it, for demos. Default: unset.
    pub viewer_page_url: Option<Url>,
    /// Client id of A at C. Default: `service-a`.
    pub client_id: String,
    /// Client secret of A at C. Default: unset; the demo uses `abc123`. Production requires this
    /// setting or `client_secret_file`, and a strong secret.
    pub client_secret: Option<SecretSetting>,
    /// File with the client secret, as container engines mount it. Default: unset.
    pub client_secret_file: Option<PathBuf>,
    /// How A authenticates at C's token endpoint (RFC 7591 §2): `client_secret_post` or
    /// `client_secret_basic`. Default: `client_secret_post`.
    pub token_endpoint_auth_method: ClientAuthMethod,
    /// Scope of the access tokens that A requests, separated by spaces. Default:
    /// `resource:read resource:write`.
    pub scope: String,
    /// The Bs that A calls.
    pub targets: Targets,
    /// Serves `GET /api/call-b`, with which any caller reads B's resource under A's own access
    /// token. Default: `true`, in production `false`.
    pub anonymous_reads: Option<bool>,
    /// Serves `POST /api/call-b`, with which any caller makes B act under A's own access token.
    /// Default: `true`, in production `false`.
    pub anonymous_writes: Option<bool>,
    /// Enables `GET /api/call-b-legacy`, which sends A's secret to B, to contrast it with access
    /// tokens. Default: `false`. Production refuses `true`.
    pub legacy_secret_demo: bool,
    /// Timeout of one request to B or C, in milliseconds. Default: 5000.
    pub call_timeout_millis: u64,
    /// Certificate and key for https. Default: unset; A serves plain http.
    pub tls: TlsFiles,
    /// Where A sends its events.
    pub events: EventSettings,
    /// More host names and IP addresses for which A accepts requests, besides those of `public_url`
    /// and `listen`. A request for any other host gets status 421.
    #[serde(deserialize_with = "comma_list")]
    pub allowed_hosts: Vec<String>,
    /// Reverse proxies in front of A.
    pub proxies: ProxySettings,
    /// Limits on requests to A.
    pub limits: Limits,
    /// Logging and tracing.
    pub log: LogSettings,
}

/// Lifetime of website sessions.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SessionSettings {
    /// A session ends after this time without a request, in seconds. Default: 3600.
    pub idle_timeout_seconds: u32,
    /// A session ends this long after login, in seconds. Default: 86400.
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
            manage_listen: String::new(),
            public_url: "http://localhost:9001".to_owned(),
            data_dir: "gatepass-data".into(),
            database_url: None,
            database_timeout_millis: 1_500,
            providers: BTreeMap::new(),
            sessions: SessionSettings::default(),
            pages_dir: None,
            viewer_page_url: None,
            client_id: "service-a".to_owned(),
            client_secret: None,
            client_secret_file: None,
            token_endpoint_auth_method: ClientAuthMethod::default(),
            scope: "resource:read resource:write".to_owned(),
            targets: Targets::default(),
            anonymous_reads: None,
            anonymous_writes: None,
            legacy_secret_demo: false,
            call_timeout_millis: 5_000,
            tls: TlsFiles::default(),
            events: EventSettings::default(),
            allowed_hosts: Vec::new(),
            proxies: ProxySettings::default(),
            limits: Limits::default(),
            log: LogSettings::default(),
        }
    }
}

impl ServiceASettings {
    /// Returns A's client secret.
    ///
    /// # Errors
    /// Returns an error if no secret is set, or its file cannot be read.
    pub fn secret(&self) -> anyhow::Result<ClientSecret> {
        let (inline, file) = (self.client_secret.as_ref(), self.client_secret_file.as_ref());
        let secret = SecretSetting::resolve("client_secret", inline, file, self.profile)?;
        Ok(ClientSecret::new(secret.expose()))
    }

    /// Returns whether `GET /api/call-b` is served, under the same rule as `POST`.
    pub fn anonymous_reads(&self) -> bool {
        self.anonymous_reads.unwrap_or(!self.profile.is_production())
    }

    /// Returns whether `POST /api/call-b` is served. Production requires that the setting names it:
    /// B takes the call for one of A (confused deputy).
    pub fn anonymous_writes(&self) -> bool {
        self.anonymous_writes.unwrap_or(!self.profile.is_production())
    }

    /// Returns the hosts that A accepts requests for.
    ///
    /// # Errors
    /// Returns an error if a name in `allowed_hosts` is malformed.
    pub fn hosts(&self) -> Result<Hosts, String> {
        Hosts::new([&*self.public_url], [&*self.listen], &self.allowed_hosts)
    }

    /// Checks the URLs of both targets.
    ///
    /// # Errors
    /// Returns an error that names the setting whose URL is invalid.
    pub fn check_targets(&self) -> anyhow::Result<()> {
        for (name, target) in
            [("local", &self.targets.local), ("introspection", &self.targets.introspection)]
        {
            for (member, url) in [("url", &target.url), ("resource", &target.resource)] {
                let parsed = parse_endpoint_url(url).map_err(anyhow::Error::msg);
                parsed.with_context(|| format!("the setting `targets.{name}.{member}`"))?;
            }
        }
        Ok(())
    }

    /// Parses the setting `scope`.
    ///
    /// # Errors
    /// Returns an error if it is not a scope (RFC 6749 §3.3).
    pub fn scope(&self) -> anyhow::Result<Scope> {
        self.scope.parse().context("the setting `scope`")
    }

    /// Returns the URL of the PostgreSQL database, or `None` for SQLite.
    ///
    /// # Errors
    /// Returns an error if it is not a PostgreSQL URL, or `database_timeout_millis` is 0. The error
    /// does not contain the URL.
    pub fn database_url(&self) -> anyhow::Result<Option<&str>> {
        anyhow::ensure!(
            self.database_timeout_millis > 0,
            "database_timeout_millis: is 0; a query needs at least 1 millisecond"
        );
        database_url(self.database_url.as_ref()).map_err(anyhow::Error::msg)
    }

    /// Returns the time that one request may wait for PostgreSQL.
    pub(crate) fn database_timeout(&self) -> Duration {
        Duration::from_millis(self.database_timeout_millis)
    }

    /// Returns the path of the SQLite database.
    pub fn accounts_file(&self) -> PathBuf {
        self.data_dir.join("service-a.db")
    }

    /// Returns the configuration of the HTTP client for B and C.
    pub fn http(&self) -> HttpClientSettings {
        let mut settings = HttpClientSettings::default();
        settings.ca_file.clone_from(&self.ca_file);
        settings.timeout = self.call_timeout();
        settings
    }

    /// Parses the setting `public_url`.
    ///
    /// # Errors
    /// Returns an error if it is not an http(s) URL, or has a path or a query.
    pub fn public_origin(&self) -> anyhow::Result<Url> {
        let invalid = |problem: &str| {
            anyhow::anyhow!("the setting `public_url`: {problem}: {}", self.public_url)
        };
        let url = parse_endpoint_url(&self.public_url).map_err(invalid)?;
        if url.path() == "/" && url.query().is_none() {
            Ok(url)
        } else {
            Err(invalid("it must not have a path or a query"))
        }
    }

    /// Returns the redirect URI of the provider with this name.
    ///
    /// # Errors
    /// Returns an error if `public_url` is invalid.
    pub fn redirect_uri(&self, provider: &str) -> anyhow::Result<String> {
        let origin = self.public_origin()?;
        Ok(format!("{}/callback/{provider}", origin.as_str().trim_end_matches('/')))
    }

    /// Returns the enabled providers, with defaults filled in.
    ///
    /// # Errors
    /// Returns an error if a name is invalid, or `platform` needs A's client secret and there is
    /// none.
    pub fn all_providers(&self) -> anyhow::Result<BTreeMap<String, ProviderSettings>> {
        let mut all = self.providers.clone();
        all.entry(PLATFORM.to_owned()).or_default();
        all.retain(|_, provider| provider.enabled);
        for (name, provider) in &mut all {
            let allowed =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            anyhow::ensure!(
                !name.is_empty() && name.bytes().all(allowed),
                "invalid provider name `{name}`: use lower-case letters, digits and `-`"
            );
            if name == PLATFORM {
                self.complete_platform(provider)?;
            }
            *provider = std::mem::take(provider).with_defaults();
        }
        Ok(all)
    }

    /// Fills the missing settings of `platform` with A's own settings for C, unless it has another
    /// issuer.
    fn complete_platform(&self, platform: &mut ProviderSettings) -> anyhow::Result<()> {
        if !platform.issuer.is_empty() && platform.issuer != self.issuer {
            return Ok(());
        }
        let targets = [&self.targets.local.resource, &self.targets.introspection.resource];
        let defaults = [
            (&mut platform.issuer, self.issuer.clone()),
            (&mut platform.client_id, self.client_id.clone()),
            (&mut platform.title, "the platform".to_owned()),
            (&mut platform.title_zh, "平台账号".to_owned()),
            (&mut platform.scopes, format!("openid profile email offline_access {}", self.scope)),
            (&mut platform.resources, targets.map(String::as_str).join(" ")),
        ];
        for (value, default) in defaults.into_iter().filter(|(value, _)| value.is_empty()) {
            *value = default;
        }
        platform.internal_url = platform.internal_url.take().or_else(|| self.internal_url.clone());
        platform.ca_file = platform.ca_file.take().or_else(|| self.ca_file.clone());
        if platform.client_secret.is_none() && platform.client_secret_file.is_none() {
            platform.client_secret = Some(SecretSetting::new(self.secret()?.expose()));
        }
        Ok(())
    }

    /// Returns the timeout of a whole call of B: 90 % of the request timeout, so that A's response
    /// names the step that timed out.
    pub fn total_timeout(&self) -> Duration {
        Duration::from_secs(self.limits.request_timeout_seconds) * 9 / 10
    }

    /// Returns the timeout of one request to B or C.
    pub fn call_timeout(&self) -> Duration {
        Duration::from_millis(self.call_timeout_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platform_defaults_to_c_and_can_be_replaced_or_disabled() {
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

        let other_issuer =
            ProviderSettings { issuer: "https://other.example".to_owned(), ..Default::default() };
        settings.providers.insert("platform".to_owned(), other_issuer);
        let platform = settings.all_providers().unwrap().remove("platform").unwrap();
        assert!(
            platform.internal_url.is_none() && platform.secret().is_err(),
            "A's client secret at C is not sent to another issuer"
        );

        let disabled = ProviderSettings { enabled: false, ..ProviderSettings::default() };
        settings.providers.insert("platform".to_owned(), disabled);
        assert!(settings.all_providers().unwrap().is_empty());
    }

    #[test]
    fn invalid_provider_name_is_rejected() {
        for invalid in ["Google", "a/b", "a b", "ä", ""] {
            let mut settings = ServiceASettings::default();
            settings.providers.insert(invalid.to_owned(), ProviderSettings::default());
            assert!(settings.all_providers().is_err(), "{invalid}");
        }
    }

    #[test]
    fn public_url_must_not_have_a_path_or_query() {
        let origin = |url: &str| {
            ServiceASettings { public_url: url.to_owned(), ..Default::default() }.public_origin()
        };
        assert!(origin("http://localhost:9001").is_ok() && origin("https://a.example/").is_ok());
        for invalid in
            ["a.example", "https://a.example/website", "https://a.example/?x", "ftp://a.example"]
        {
            assert!(origin(invalid).is_err(), "{invalid}");
        }
    }
}
