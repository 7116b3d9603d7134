//! The settings of C.

mod checks;
mod client_id_metadata_documents;
mod compat;
mod control;
mod files;
mod issuers;
mod keys;
mod rate_limits;
mod registration;
mod sessions;
mod tls;
mod tokens;
mod unsafe_settings;

use std::{path::PathBuf, sync::Arc};

use anyhow::Context;
use clock::Clock;
use oauth_types::Scope;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::IntoDeserializer};
use service_kit::{
    EventSettings, Hosts, HttpClientSettings, Limits, Profile, ProxySettings, SecretSetting,
    Settings, UnsafeSetting, comma_list, ensure_distinct_listeners,
    http_client_with_optional_roots, json_list, port_without_listener, telemetry::LogSettings,
    tls::ServerCertificate,
};
use sql_kit::{check_root_certificates, database_url};
use url::Url;

pub use checks::PATH_AND_PAGES;
pub use client_id_metadata_documents::ClientIdMetadataDocumentSettings;
pub use compat::CompatSettings;
pub use control::ControlSettings;
pub use files::{ConfiguredFiles, ConfiguredSeed};
pub use issuers::{DEFAULT_ISSUER, FurtherIssuer};
pub use keys::KeySettings;
pub use rate_limits::{RateLimit, RateLimitSettings};
pub use registration::RegistrationSettings;
pub use sessions::SessionSettings;
pub use tls::TlsSettings;
pub use tokens::TokenSettings;

use crate::{
    SecureRandom,
    clients::ClientRules,
    domain::{CustomClaim, Looseness, RedirectUriRules},
    pages::pages,
};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthServerSettings {
    /// Level of checks: `demo`, `test` or `production`. Default: `demo`. `production` refuses to
    /// start with an unsafe setting and names each.
    pub profile: Profile,
    /// Issuer identifier: the `iss` of every token and the base URL for browsers. Default:
    /// `http://localhost:9000`. Port 0 stands for the port of the listener. With the control API,
    /// `late` stands for a URL that is known only after the start, and C answers 503 until
    /// `PUT /control/issuers/default` sets it. Production requires an https URL that is not a
    /// loopback address.
    #[serde(serialize_with = "as_issuer", deserialize_with = "issuer_or_late")]
    pub issuer: Url,
    /// Address of the plain HTTP listener, as `host:port`; empty disables it, so that C serves
    /// TLS only. Default: `127.0.0.1:9000`. Production requires a loopback address.
    pub listen: String,
    /// Address of the TLS listener, as `host:port`; empty disables it. Default: `127.0.0.1:9443`.
    pub tls_listen: String,
    /// Address of the management listener, as `host:port`; empty disables it. It serves `/healthz`,
    /// `/readyz` and `/metrics` in plain http, also beyond loopback: let only probes and Prometheus
    /// reach it. Default: empty.
    pub manage_listen: String,
    /// Directory of the SQLite database and the development CA. Default: `gatepass-data`.
    pub data_dir: PathBuf,
    /// PostgreSQL database, as `postgres://user:password@host/database`, or `sqlite` for a SQLite
    /// file in `data_dir`, which is the default. Production requires a choice, and a verified TLS
    /// connection (`sslmode=verify-full`) to a database on another machine.
    pub database_url: Option<SecretSetting>,
    /// Time that one request may wait for PostgreSQL, over all its queries, in milliseconds, at
    /// least 1. Then it gets status 503. Default: 1500.
    pub database_timeout_millis: u64,
    /// TOML file of clients and resources, reloaded within a second after a change. Without it,
    /// the profiles `demo` and `test` use the demo clients. Production rejects well-known secrets
    /// in it.
    pub clients_file: Option<PathBuf>,
    /// Claims that tokens and responses have besides those of the specifications, as tables
    /// `[[claims]]`. `name` is the claim. `from` is `user.NAME` or `client.NAME`, an attribute or a
    /// member of it (`user.org.unit`), or a constant, `{ value = … }`. `in` lists where it goes:
    /// `access_token`, `id_token`, `userinfo`, `introspection`. `scope` and `resource` restrict it
    /// to grants with the scope and access tokens for the resource; attributes of users in
    /// `access_token` and `introspection` require one of them. In the environment and in `--set`,
    /// the list is JSON: `[{"name":"roles","from":"user.roles","in":["id_token"]}]`.
    #[serde(deserialize_with = "json_list")]
    pub claims: Vec<CustomClaim>,
    /// Scopes that only carry claims, as `profile` does, so that no resource has them: a client
    /// that has such a scope requests it together with `openid`. Separated by spaces. Default:
    /// none.
    pub claim_scopes: Scope,
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
    /// Control API, by which tests change a running server.
    pub control: ControlSettings,
    /// Dynamic client registration (RFC 7591).
    pub registration: RegistrationSettings,
    /// Clients that identify themselves by the URL of their metadata.
    pub client_id_metadata_documents: ClientIdMetadataDocumentSettings,
    /// TOML file of users to create at start if they do not exist. Without it, the profiles `demo`
    /// and `test` create the demo users. Production rejects well-known passwords in it.
    pub users_file: Option<PathBuf>,
    /// Directory of templates, texts or a style sheet that replace the built-in ones. Not set by
    /// default.
    pub pages_dir: Option<PathBuf>,
    /// URL at which browsers open the flow viewer, such as `http://localhost:9004`: every page links
    /// to it, for demos. Default: unset.
    pub viewer_page_url: Option<Url>,
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
            claims: Vec::new(),
            claim_scopes: Scope::empty(),
            tokens: TokenSettings::default(),
            keys: KeySettings::default(),
            tls: TlsSettings::default(),
            rate_limits: RateLimitSettings::default(),
            sessions: SessionSettings::default(),
            compat: CompatSettings::default(),
            test_controls: false,
            control: ControlSettings::default(),
            registration: RegistrationSettings::default(),
            client_id_metadata_documents: ClientIdMetadataDocumentSettings::default(),
            users_file: None,
            pages_dir: None,
            viewer_page_url: None,
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

/// `check-config` prints the issuer as it is in every token.
fn as_issuer<S: Serializer>(url: &Url, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(issuer_identifier(url))
}

/// The issuer that is known only after the start.
const LATE: &str = "late";
/// The scheme of the URL that stands for it. No real issuer has it.
const LATE_URL: &str = "late:";

fn issuer_or_late<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    let text = String::deserialize(deserializer)?;
    let url = if text == LATE { LATE_URL.to_owned() } else { text };
    Url::deserialize(url.into_deserializer())
}

/// Returns the issuer without the slash that `Url` adds to a bare host.
fn issuer_identifier(url: &Url) -> &str {
    if url.as_str() == LATE_URL {
        return LATE;
    }
    if url.path() == "/" { url.as_str().trim_end_matches('/') } else { url.as_str() }
}

impl AuthServerSettings {
    /// Returns the issuer identifier as in every token: without the slash that `Url` adds to a
    /// bare host.
    pub fn issuer(&self) -> String {
        issuer_identifier(&self.issuer).to_owned()
    }

    /// Returns whether the issuer is known only after the start.
    pub fn has_late_issuer(&self) -> bool {
        self.issuer.as_str() == LATE_URL
    }

    /// Returns the settings with the issuer that the server has once it is known.
    #[must_use]
    pub fn with_issuer(self, issuer: Url) -> Self {
        Self { issuer, ..self }
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
    pub fn unsafe_at_start(&self, files: &ConfiguredFiles) -> Vec<UnsafeSetting> {
        unsafe_settings::unsafe_at_start(self, files)
    }

    /// Returns the clock of this server and of those in the same process. With the control API it
    /// can be adjusted.
    pub fn clock(&self) -> Clock {
        if self.control.is_on() { Clock::adjustable() } else { Clock::system() }
    }

    /// Returns the settings of the HTTP client that calls clients.
    pub fn http(&self) -> HttpClientSettings {
        let mut settings = HttpClientSettings::default();
        settings.ca_file.clone_from(&self.ca_file);
        settings
    }

    /// Returns the redirect URIs that are valid besides those of production.
    pub fn redirect_uri_rules(&self) -> RedirectUriRules {
        self.registration.redirect_uri_rules(self.profile)
    }

    /// Returns the rules that do not apply.
    pub fn looseness(&self) -> Looseness {
        self.control.parsed_looseness()
    }

    /// Returns the rules for clients.
    pub fn client_rules(&self) -> ClientRules {
        ClientRules {
            profile: self.profile,
            redirect_uris: self.redirect_uri_rules(),
            looseness: Arc::new(self.looseness()),
        }
    }

    /// Returns what is wrong with the certificate of the TLS listener. An unusable one prevents the
    /// start.
    fn certificate_warnings(&self) -> Vec<UnsafeSetting> {
        let is_served = !self.tls_listen.is_empty();
        let TlsSettings { cert_file, key_file, .. } = &self.tls;
        let loaded = ServerCertificate::load(cert_file.as_ref(), key_file.as_ref());
        let Some(certificate) = loaded.ok().flatten().filter(|_| is_served) else {
            return Vec::new();
        };
        let host = self.issuer.host_str().unwrap_or_default();
        certificate.warnings(host, self.clock().seconds())
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
}

impl Settings for AuthServerSettings {
    const SERVICE: &'static str = "auth-server";
    const SHORT_VARIABLES: &'static [(&'static str, &'static str)] =
        &[("GATEPASS_SEED", "control.seed")];

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

    fn control_listen(&self) -> &str {
        &self.control.listen
    }

    fn log(&self) -> &LogSettings {
        &self.log
    }

    fn unsafe_settings(&self) -> Vec<UnsafeSetting> {
        unsafe_settings::unsafe_settings(self)
    }

    fn warnings(&self) -> Vec<UnsafeSetting> {
        // The certificate of the development CA is for this machine and for containers.
        let tls = if self.tls.cert_file.is_some() { self.tls_listen.as_str() } else { "" };
        let proxy = self.proxies.unnamed_proxy(self.issuer.as_str(), &[tls]);
        let listeners = [&*self.listen, &*self.tls_listen];
        let port = port_without_listener("issuer", &self.issuer(), &listeners);
        proxy.into_iter().chain(port).chain(self.certificate_warnings()).collect()
    }

    fn validate(&self) -> anyhow::Result<()> {
        self.log.validate()?;
        ensure_distinct_listeners(self)?;
        let files = ConfiguredFiles::read(self, &SecureRandom::system());
        self.check(&files).map_err(anyhow::Error::msg)?;
        files.clients.context("the setting `clients_file`")?;
        files.users.context("the setting `users_file`")?;
        pages(self.pages_dir.as_deref())?;
        http_client_with_optional_roots(&self.http())?;
        ServerCertificate::load(self.tls.cert_file.as_ref(), self.tls.key_file.as_ref())?;
        let url = self.database_url().map_err(anyhow::Error::msg)?;
        url.map_or(Ok(()), check_root_certificates).map_err(anyhow::Error::msg)
    }
}

#[cfg(test)]
mod tests;
