//! The settings of the flow viewer.

mod unsafe_settings;

use std::path::PathBuf;

use oauth_types::{ClientSecret, parse_endpoint_url};
use serde::{Deserialize, Serialize};
use service_kit::{
    Hosts, HttpClientSettings, Limits, Profile, ProxySettings, SecretSetting, Settings, TlsFiles,
    UnsafeSetting, comma_list, ensure_distinct_listeners, http_client_with_optional_roots,
    telemetry::LogSettings,
    tls::{ServerCertificate, TlsError},
};

use self::unsafe_settings::unsafe_settings;

/// The settings of the flow viewer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FlowViewerSettings {
    /// `demo`, `test` or `production`.
    pub profile: Profile,
    /// The address that the viewer listens on, as `host:port`.
    pub listen: String,
    /// The address of the management listener, as `host:port`; empty disables it. It serves
    /// `/healthz`, `/readyz` and `/metrics` in plain http, also beyond loopback: let only probes
    /// and Prometheus reach it.
    pub manage_listen: String,
    /// Whether scenarios, attacks included, can be played against the servers below. Production
    /// requires `false`.
    pub scenarios: bool,
    /// PEM file with the only certificate authorities that the viewer trusts for the servers below.
    /// Without it, the viewer trusts those of the system.
    pub ca_file: Option<PathBuf>,
    /// The URLs of C.
    pub auth_server: ServerUrls,
    /// The URLs of A.
    pub service_a: ServerUrls,
    /// The URLs of the B that verifies access tokens locally.
    pub b_local: ServerUrls,
    /// The URLs of the B that introspects access tokens at C.
    pub b_introspection: ServerUrls,
    /// The client that scenarios request access tokens as. With a client of their own, they do not
    /// use up the rate limit of A.
    pub client_id: String,
    /// The secret of that client. Production requires one if scenarios are on.
    pub client_secret: Option<SecretSetting>,
    /// The user that scenarios sign in as. With a user of their own, they give no consent and open
    /// no session in the name of a person.
    pub username: String,
    /// The password of that user.
    pub password: Option<SecretSetting>,
    /// Certificate and key of the listener; without them, the viewer serves plain http.
    pub tls: TlsFiles,
    /// More host names and IP addresses for which the viewer accepts requests, besides that of
    /// `listen`. A request for any other host gets status 421.
    #[serde(deserialize_with = "comma_list")]
    pub allowed_hosts: Vec<String>,
    /// Reverse proxies in front of the viewer.
    pub proxies: ProxySettings,
    /// Limits of the HTTP server.
    pub limits: Limits,
    /// Logging.
    pub log: LogSettings,
}

/// The URLs of one server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerUrls {
    /// The URL at which the viewer reaches the server.
    pub url: String,
    /// The URL that browsers use: for C the issuer, for a B its resource identifier.
    pub public_url: String,
}

impl ServerUrls {
    fn same(url: &str) -> Self {
        Self { url: url.to_owned(), public_url: url.to_owned() }
    }
}

/// The password of the demo user that scenarios sign in as.
const DEMO_PASSWORD: &str = "looking-glass";

impl Default for FlowViewerSettings {
    fn default() -> Self {
        Self {
            profile: Profile::default(),
            listen: "127.0.0.1:9004".to_owned(),
            manage_listen: String::new(),
            scenarios: true,
            ca_file: None,
            auth_server: ServerUrls::same("http://localhost:9000"),
            service_a: ServerUrls::same("http://localhost:9001"),
            b_local: ServerUrls::same("http://localhost:9002"),
            b_introspection: ServerUrls::same("http://localhost:9003"),
            client_id: "scenario-client".to_owned(),
            client_secret: None,
            username: "robin".to_owned(),
            password: None,
            tls: TlsFiles::default(),
            allowed_hosts: Vec::new(),
            proxies: ProxySettings::default(),
            limits: Limits::default(),
            log: LogSettings::default(),
        }
    }
}

impl FlowViewerSettings {
    /// Returns the client secret, or the demo's where none is set.
    ///
    /// # Errors
    /// Returns an error if none is set in production.
    pub(crate) fn secret(&self) -> anyhow::Result<ClientSecret> {
        let secret = SecretSetting::resolve(
            "client_secret",
            self.client_secret.as_ref(),
            None,
            self.profile,
        )?;
        Ok(ClientSecret::new(secret.expose()))
    }

    /// Returns the settings of the HTTP client that calls the servers.
    pub(crate) fn http(&self) -> HttpClientSettings {
        let mut settings = HttpClientSettings::default();
        settings.ca_file.clone_from(&self.ca_file);
        settings
    }

    pub(crate) fn password(&self) -> oauth_types::Password {
        oauth_types::Password::new(
            self.password.as_ref().map_or(DEMO_PASSWORD, SecretSetting::expose),
        )
    }

    /// Returns the hosts that the viewer accepts requests for.
    ///
    /// # Errors
    /// Returns an error if a name in `allowed_hosts` is malformed.
    pub fn hosts(&self) -> Result<Hosts, String> {
        Hosts::new([], [&*self.listen], &self.allowed_hosts)
    }

    pub(crate) fn certificate(&self) -> Result<Option<ServerCertificate>, TlsError> {
        ServerCertificate::load(self.tls.cert_file.as_ref(), self.tls.key_file.as_ref())
    }

    /// The public URL at which a browser begins a login at A.
    pub(crate) fn login_url(&self) -> String {
        format!("{}/login/platform", self.service_a.public_url.trim_end_matches('/'))
    }

    /// The servers, each with the name of its setting.
    pub(crate) fn servers(&self) -> [(&'static str, &ServerUrls); 4] {
        [
            ("auth_server", &self.auth_server),
            ("service_a", &self.service_a),
            ("b_local", &self.b_local),
            ("b_introspection", &self.b_introspection),
        ]
    }

    fn check(&self) -> anyhow::Result<()> {
        self.proxies.check().map_err(anyhow::Error::msg)?;
        self.hosts().map_err(anyhow::Error::msg)?;
        for (name, urls) in self.servers() {
            for (part, url) in [("url", &urls.url), ("public_url", &urls.public_url)] {
                parse_endpoint_url(url).map_err(|problem| {
                    anyhow::anyhow!("setting `{name}.{part}`: {problem}: {url}")
                })?;
            }
        }
        Ok(())
    }
}

impl Settings for FlowViewerSettings {
    const SERVICE: &'static str = "flow-viewer";

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

    fn validate(&self) -> anyhow::Result<()> {
        self.log.validate()?;
        ensure_distinct_listeners(self)?;
        self.check()?;
        self.certificate()?;
        http_client_with_optional_roots(&self.http())?;
        if self.scenarios {
            self.secret()?;
        }
        Ok(())
    }
}
