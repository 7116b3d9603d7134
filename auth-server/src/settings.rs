//! The settings of C.

mod compat;
mod keys;
mod rate_limits;
mod registration;
mod sessions;
mod tls;
mod tokens;
mod unsafe_settings;

use std::path::PathBuf;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use service_kit::{
    EventSettings, Hosts, HttpClientSettings, Limits, Profile, ProxySettings, SecretSetting,
    Settings, UnsafeSetting, comma_list, ensure_distinct_listeners,
    http_client_with_optional_roots, telemetry::LogSettings, tls::ServerCertificate,
};
use sql_kit::database_url;
use url::Url;

pub use compat::CompatSettings;
pub use keys::KeySettings;
pub use rate_limits::{RateLimit, RateLimitSettings};
pub use registration::RegistrationSettings;
pub use sessions::SessionSettings;
pub use tls::TlsSettings;
pub use tokens::TokenSettings;

use crate::{
    SecureRandom,
    clients::{ClientsFile, FileError},
    pages::pages,
    users::seed::check_users,
};

/// Why an issuer with a path excludes user login: the proxy that serves C under the path removes it
/// before it forwards a request, so the links of C's pages would lack it.
pub const PATH_AND_PAGES: &str = "it has a path, which the links of the sign-in pages would lack; use an issuer without a path, or \
                                  disable user login (no [clients.login], registration.enabled = false)";

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthServerSettings {
    /// Level of checks: `demo`, `test` or `production`. Default: `demo`. `production` refuses to
    /// start with an unsafe setting and names each.
    pub profile: Profile,
    /// Issuer identifier: the `iss` of every token and the base URL for browsers. Default:
    /// `http://localhost:9000`. Production requires an https URL that is not a loopback address.
    pub issuer: Url,
    /// Address of the plain HTTP listener, as `host:port`. Default: `127.0.0.1:9000`. Production
    /// requires a loopback address.
    pub listen: String,
    /// Address of the TLS listener, as `host:port`; empty disables it. Default: `127.0.0.1:9443`.
    pub tls_listen: String,
    /// Address of the management listener, as `host:port`; empty disables it. It serves `/healthz`,
    /// `/readyz` and `/metrics` in plain http, also beyond loopback: let only probes and Prometheus
    /// reach it. Default: empty.
    pub manage_listen: String,
    /// Directory of the SQLite database and the development CA. Default: `gatepass-data`.
    pub data_dir: PathBuf,
    /// PostgreSQL database, as `postgres://user:password@host/database`. Without it, C uses a
    /// SQLite file in `data_dir`. Production requires a verified TLS connection
    /// (`sslmode=verify-full`) to a database on another machine.
    pub database_url: Option<SecretSetting>,
    /// Time that one request may wait for PostgreSQL, over all its queries, in milliseconds, at
    /// least 1. Then it gets status 503. Default: 1500.
    pub database_timeout_millis: u64,
    /// TOML file of clients and resources, reloaded within a second after a change. Without it,
    /// the profiles `demo` and `test` use the demo clients. Production rejects well-known secrets
    /// in it.
    pub clients_file: Option<PathBuf>,
    /// Lifetime of authorization codes and tokens.
    pub tokens: TokenSettings,
    /// Signing of tokens.
    pub keys: KeySettings,
    /// Certificate of the TLS listener.
    pub tls: TlsSettings,
    /// Rate limits per IP network.
    pub rate_limits: RateLimitSettings,
    /// Lifetime of browser sessions.
    pub sessions: SessionSettings,
    /// Compatibility with servers that deviate from the standards.
    pub compat: CompatSettings,
    /// Serves endpoints that simulate an outage of C and issue expired access tokens, for tests
    /// and lessons. Default: `false`. Production requires `false`.
    pub test_controls: bool,
    /// Dynamic client registration (RFC 7591).
    pub registration: RegistrationSettings,
    /// TOML file of users to create at start if they do not exist. Without it, the profiles `demo`
    /// and `test` create the demo users. Production rejects well-known passwords in it.
    pub users_file: Option<PathBuf>,
    /// Directory of templates, texts or a style sheet that replace the built-in ones. Not set by
    /// default.
    pub pages_dir: Option<PathBuf>,
    /// Deletes audit records after this many days, at least 1. Default: 90.
    pub audit_retention_days: u32,
    /// PEM file of the certificate authorities to trust when C calls clients (back-channel logout,
    /// `jwks_uri`). Without it, C trusts those of the operating system.
    pub ca_file: Option<PathBuf>,
    /// Flow events for the viewer.
    pub events: EventSettings,
    /// More host names and IP addresses for which C accepts requests, besides those of `issuer`,
    /// `listen`, `tls_listen` and `tls.dev_cert_names`. A request for any other host gets status
    /// 421.
    #[serde(deserialize_with = "comma_list")]
    pub allowed_hosts: Vec<String>,
    /// Reverse proxies in front of both listeners.
    pub proxies: ProxySettings,
    /// Limits of the listeners.
    pub limits: Limits,
    /// Logs and traces.
    pub log: LogSettings,
}

impl Default for AuthServerSettings {
    fn default() -> Self {
        Self {
            profile: Profile::default(),
            issuer: local("http://localhost:9000"),
            listen: "127.0.0.1:9000".to_owned(),
            tls_listen: "127.0.0.1:9443".to_owned(),
            manage_listen: String::new(),
            data_dir: PathBuf::from("gatepass-data"),
            database_url: None,
            database_timeout_millis: 1_500,
            clients_file: None,
            tokens: TokenSettings::default(),
            keys: KeySettings::default(),
            tls: TlsSettings::default(),
            rate_limits: RateLimitSettings::default(),
            sessions: SessionSettings::default(),
            compat: CompatSettings::default(),
            test_controls: false,
            registration: RegistrationSettings::default(),
            users_file: None,
            pages_dir: None,
            audit_retention_days: 90,
            ca_file: None,
            events: EventSettings::default(),
            allowed_hosts: Vec::new(),
            proxies: ProxySettings::default(),
            limits: Limits::default(),
            log: LogSettings::default(),
        }
    }
}

#[expect(clippy::expect_used, reason = "a constant of this program")]
fn local(url: &'static str) -> Url {
    url.parse().expect("a constant URL")
}

impl AuthServerSettings {
    /// Returns the issuer identifier as in every token: without the slash that `Url` adds to a
    /// bare host.
    pub fn issuer(&self) -> String {
        let text = self.issuer.as_str();
        if self.issuer.path() == "/" {
            text.trim_end_matches('/').to_owned()
        } else {
            text.to_owned()
        }
    }

    /// Returns the URL of the PostgreSQL database, or `None` for SQLite.
    ///
    /// # Errors
    /// Returns an error if the URL is invalid. The error does not contain the value.
    pub fn database_url(&self) -> Result<Option<&str>, String> {
        database_url(self.database_url.as_ref())
    }

    /// Returns every setting that prevents the start in production. Computes no slow hash, so the
    /// start does not take longer with more clients.
    pub fn unsafe_at_start(&self) -> Vec<UnsafeSetting> {
        unsafe_settings::unsafe_at_start(self)
    }

    /// Returns the settings of the HTTP client that calls clients.
    pub fn http(&self) -> HttpClientSettings {
        HttpClientSettings { ca_file: self.ca_file.clone(), ..HttpClientSettings::default() }
    }

    fn clients(&self) -> Result<ClientsFile, FileError> {
        ClientsFile::read(self.clients_file.as_deref(), self.profile, &SecureRandom::system())
    }

    fn has_user_login(&self) -> bool {
        let in_file = || {
            self.clients()
                .is_ok_and(|file| file.clients.iter().any(|client| client.login.is_some()))
        };
        self.registration.enabled || in_file()
    }

    /// Returns the hosts that C accepts requests for.
    ///
    /// # Errors
    /// Returns an error if a name in `allowed_hosts` is malformed.
    pub fn hosts(&self) -> Result<Hosts, String> {
        // The development certificate is issued only where no other one is set.
        let dev_names =
            if self.tls.cert_file.is_none() { &self.tls.dev_cert_names[..] } else { &[] };
        Hosts::new(
            [self.issuer.as_str()],
            [&*self.listen, &*self.tls_listen],
            self.allowed_hosts.iter().chain(dev_names),
        )
    }

    /// Validates the settings that must be valid in every profile.
    ///
    /// # Errors
    /// Returns the first invalid setting and what is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        if self.issuer.query().is_some() || self.issuer.fragment().is_some() {
            return Err(
                "issuer: has a query or a fragment, which RFC 8414 section 2 forbids".to_owned()
            );
        }
        if self.issuer.path() != "/" && self.has_user_login() {
            return Err(format!("issuer: {PATH_AND_PAGES}"));
        }
        if self.tokens.access_token_ttl_seconds == 0 {
            return Err(
                "tokens.access_token_ttl_seconds: is 0; an access token needs at least 1 second"
                    .to_owned(),
            );
        }
        if !(1..=60).contains(&self.tokens.authorization_code_ttl_seconds) {
            return Err(format!(
                "tokens.authorization_code_ttl_seconds: is {}; an authorization code lasts 1 to 60 seconds",
                self.tokens.authorization_code_ttl_seconds
            ));
        }
        if self.audit_retention_days == 0 {
            return Err("audit_retention_days: is 0; audit records need at least 1 day".to_owned());
        }
        self.database_url()?;
        if self.database_timeout_millis == 0 {
            return Err(
                "database_timeout_millis: is 0; a query needs at least 1 millisecond".to_owned()
            );
        }
        self.proxies.check()?;
        self.hosts()?;
        self.registration.check()?;
        self.keys.check()
    }
}

impl Settings for AuthServerSettings {
    const SERVICE: &'static str = "auth-server";

    fn profile(&self) -> Profile {
        self.profile
    }

    fn listen(&self) -> &str {
        &self.listen
    }

    fn tls_listen(&self) -> &str {
        &self.tls_listen
    }

    fn manage_listen(&self) -> &str {
        &self.manage_listen
    }

    fn log(&self) -> &LogSettings {
        &self.log
    }

    fn unsafe_settings(&self) -> Vec<UnsafeSetting> {
        unsafe_settings::unsafe_settings(self)
    }

    fn validate(&self) -> anyhow::Result<()> {
        self.log.validate()?;
        ensure_distinct_listeners(self)?;
        self.check().map_err(anyhow::Error::msg)?;
        self.clients().context("the setting `clients_file`")?;
        check_users(self.users_file.as_deref(), self.profile)
            .context("the setting `users_file`")?;
        pages(self.pages_dir.as_deref())?;
        http_client_with_optional_roots(&self.http())?;
        ServerCertificate::load(self.tls.cert_file.as_ref(), self.tls.key_file.as_ref())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
