//! The settings of B.

mod unsafe_settings;

use std::path::PathBuf;

use oauth_types::ClientSecret;
use serde::{Deserialize, Serialize};
use service_kit::{
    EventSettings, Hosts, HttpClientSettings, Limits, Profile, ProxySettings, SecretSetting,
    TlsFiles, comma_list, telemetry::LogSettings,
};

pub(crate) use self::unsafe_settings::unsafe_settings;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceBSettings {
    /// `demo`, `test` or `production`.
    pub profile: Profile,
    /// The issuer identifier of the authorization server: the only accepted `iss`. Production
    /// requires https and a host other than loopback.
    pub issuer: String,
    /// The URL at which B reaches the issuer, if it is not the issuer identifier. Production
    /// requires https.
    pub internal_url: Option<String>,
    /// A PEM file with the only certificate authorities that B trusts. Without it, B trusts those
    /// of the system.
    pub ca_file: Option<PathBuf>,
    /// The address on which B listens, as `host:port`. Production requires TLS files beyond
    /// loopback.
    pub listen: String,
    /// The address of the management listener, as `host:port`; empty disables it. It serves
    /// `/healthz`, `/readyz` and `/metrics` in plain http, also beyond loopback: let only probes
    /// and Prometheus reach it.
    pub manage_listen: String,
    /// The resource identifier of B: the `aud` of access tokens for B. Production requires a host
    /// other than loopback.
    pub resource: String,
    /// The accepted `aud` values, for an issuer that does not put `resource` there, such as a
    /// client id or `api://…`. They need not be URLs. Without any, B accepts `resource`.
    #[serde(deserialize_with = "comma_list")]
    pub audiences: Vec<String>,
    /// Where tokens have their scope, and what the issuer calls B's scopes.
    pub scopes: ScopeSettings,
    /// How B verifies access tokens: `local`, `introspection` or `auto`.
    pub mode: Mode,
    /// Local verification of JWT access tokens (RFC 9068).
    pub local: LocalSettings,
    /// Introspection of access tokens at the issuer (RFC 7662).
    pub introspection: IntrospectionSettings,
    /// Accepts client secrets instead of access tokens, to show the difference. Production requires
    /// `false`.
    pub legacy_secret_demo: bool,
    /// Certificate and key of the listener; without them, B serves plain http.
    pub tls: TlsFiles,
    /// Where B sends flow events.
    pub events: EventSettings,
    /// More host names and IP addresses for which B accepts requests, besides those of `resource`
    /// and `listen`. A request for any other host gets status 421.
    #[serde(deserialize_with = "comma_list")]
    pub allowed_hosts: Vec<String>,
    /// Pages of other origins that may call B (CORS).
    pub cors: CorsSettings,
    /// Reverse proxies in front of B.
    pub proxies: ProxySettings,
    /// Limits of the HTTP server.
    pub limits: Limits,
    /// Logs and traces.
    pub log: LogSettings,
}

/// How B verifies access tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Locally, with the issuer's public keys.
    #[default]
    Local,
    /// By introspection (RFC 7662).
    Introspection,
    /// JWTs locally, all other tokens by introspection.
    Auto,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScopeSettings {
    /// The claims that may hold the scope, as text or list, for example `roles`. The first that a
    /// token has is used.
    #[serde(deserialize_with = "comma_list")]
    pub claims: Vec<String>,
    /// Scopes of the issuer that stand for a scope of B, each as `ISSUER_NAME=B_NAME`, for example
    /// `Resource.Read=resource:read`.
    #[serde(deserialize_with = "comma_list")]
    pub names: Vec<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CorsSettings {
    /// The origins whose pages may call the API and read its responses, such as
    /// `https://app.example`. Every page may read the metadata of B.
    #[serde(deserialize_with = "comma_list")]
    pub allowed_origins: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LocalSettings {
    /// The accepted signature algorithms: any of `ES256`, `ES384`, `EdDSA`, `RS256`, `RS384`,
    /// `RS512`, `PS256`, `PS384` and `PS512`.
    #[serde(deserialize_with = "comma_list")]
    pub algorithms: Vec<String>,
    /// The accepted types (`typ`) of JWTs: `at+jwt` (RFC 9068), `JWT`, and `none` for JWTs without
    /// type. Tokens of the last two must have `scope`, `scp` or `roles`, and are rejected with a
    /// claim of an ID token or logout token, such as `nonce`.
    #[serde(deserialize_with = "comma_list")]
    pub token_types: Vec<String>,
    /// How far the clocks of issuer and B may differ, in seconds. Production requires at most 60.
    pub leeway_seconds: u32,
    /// The minimum time between two key fetches because of unknown key ids, in seconds.
    pub key_cooldown_seconds: u32,
    /// The maximum number of cached verified tokens. A token with large claims counts as several.
    pub token_cache_capacity: u64,
    /// The secret that B and the issuer share for HS256. For learning only: production requires
    /// that it is absent.
    pub hs256_secret: Option<SecretSetting>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IntrospectionSettings {
    /// The client identifier of B at the issuer.
    pub client_id: String,
    /// The secret of B at the issuer. Production requires one that is not weak.
    pub client_secret: Option<SecretSetting>,
    /// A file with the secret, as container engines mount it.
    pub client_secret_file: Option<PathBuf>,
    /// The URL of the introspection endpoint, for an issuer whose metadata has none. In mode
    /// `introspection`, B then needs no metadata. Production requires https.
    pub endpoint: Option<String>,
    /// Rejects tokens whose introspection response has no `aud`. Turn this off only for an issuer
    /// that binds no token to a resource: B then accepts tokens for other resource servers too.
    pub audience_required: bool,
    /// How long an introspection response is cached, in seconds: B accepts a revoked token for up
    /// to this time. Production requires at most 60.
    pub cache_seconds: u32,
}

impl Default for ServiceBSettings {
    fn default() -> Self {
        Self {
            profile: Profile::default(),
            issuer: "http://localhost:9000".to_owned(),
            internal_url: None,
            ca_file: None,
            listen: "127.0.0.1:9002".to_owned(),
            manage_listen: String::new(),
            resource: "http://localhost:9002".to_owned(),
            audiences: Vec::new(),
            scopes: ScopeSettings::default(),
            mode: Mode::default(),
            local: LocalSettings::default(),
            introspection: IntrospectionSettings::default(),
            legacy_secret_demo: false,
            tls: TlsFiles::default(),
            events: EventSettings::default(),
            allowed_hosts: Vec::new(),
            cors: CorsSettings::default(),
            proxies: ProxySettings::default(),
            limits: Limits::default(),
            log: LogSettings::default(),
        }
    }
}

impl Default for ScopeSettings {
    fn default() -> Self {
        Self { claims: ["scope", "scp"].map(str::to_owned).to_vec(), names: Vec::new() }
    }
}

impl ScopeSettings {
    /// Returns `names` as pairs: the issuer's name of a scope, and B's.
    ///
    /// # Errors
    /// Returns an error for an entry without `=`, or without a name on one side.
    pub fn pairs(&self) -> Result<Vec<(&str, &str)>, String> {
        self.names
            .iter()
            .map(|entry| {
                entry
                    .rsplit_once('=')
                    .filter(|(of_issuer, own)| !of_issuer.is_empty() && !own.is_empty())
                    .ok_or_else(|| format!("scopes.names: `{entry}` is not ISSUER_NAME=B_NAME"))
            })
            .collect()
    }
}

impl Default for LocalSettings {
    fn default() -> Self {
        Self {
            algorithms: ["ES256", "EdDSA", "RS256"].map(str::to_owned).to_vec(),
            token_types: vec!["at+jwt".to_owned()],
            leeway_seconds: 5,
            key_cooldown_seconds: 10,
            token_cache_capacity: 10_000,
            hs256_secret: None,
        }
    }
}

impl Default for IntrospectionSettings {
    fn default() -> Self {
        Self {
            client_id: "service-b".to_owned(),
            client_secret: None,
            client_secret_file: None,
            endpoint: None,
            audience_required: true,
            cache_seconds: 2,
        }
    }
}

impl ServiceBSettings {
    /// Returns the secret with which B introspects tokens.
    ///
    /// # Errors
    /// Returns an error if none is set, or its file cannot be read.
    pub fn introspection_secret(&self) -> anyhow::Result<ClientSecret> {
        let IntrospectionSettings { client_secret, client_secret_file, .. } = &self.introspection;
        let (inline, file) = (client_secret.as_ref(), client_secret_file.as_ref());
        let secret =
            SecretSetting::resolve("introspection.client_secret", inline, file, self.profile)?;
        Ok(ClientSecret::new(secret.expose()))
    }

    /// Returns the hosts that B accepts requests for.
    ///
    /// # Errors
    /// Returns an error if a name in `allowed_hosts` is malformed.
    pub fn hosts(&self) -> Result<Hosts, String> {
        Hosts::new([&*self.resource], [&*self.listen], &self.allowed_hosts)
    }

    /// Returns the settings of the HTTP client with which B calls the issuer.
    pub fn http(&self) -> HttpClientSettings {
        let mut settings = HttpClientSettings::default();
        settings.ca_file.clone_from(&self.ca_file);
        settings
    }
}
