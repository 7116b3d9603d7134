//! The settings of C.

mod registration;

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use service_kit::{
    EventSettings, Finding, HttpClientSettings, Limits, Profile, SecretSetting, Settings, TlsFiles, comma_list,
    database_url, http_client_without_authorities, own_name, plain_http, plain_listener, telemetry::LogSettings,
    tls::OwnCertificates, unproved_database,
};
use url::Url;

pub use registration::RegistrationSettings;

use crate::{
    Entropy,
    domain::{Algorithm, SessionLife},
    pages::pages,
    registry::{ClientsFile, FileError},
    users_file::check_users,
};

/// RFC 7518 §3.2: an HS256 secret is at least as long as the hash.
const HS256_SECRET_BYTES: usize = 32;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthServerSettings {
    pub profile: Profile,
    /// The issuer identifier: the `iss` of every token, and the address that browsers know.
    pub issuer: Url,
    /// Where plain http is served, as `host:port`.
    pub listen: String,
    /// Where TLS is served, as `host:port`; empty for nowhere.
    pub tls_listen: String,
    /// Where the database and the development CA are kept.
    pub data_dir: PathBuf,
    /// A PostgreSQL database, as `postgres://user:password@host/database`; empty for a file in `data_dir`.
    pub database_url: Option<SecretSetting>,
    /// Clients and resources, as TOML. Without it, the demo's own in the profiles `demo` and `test`.
    pub clients_file: Option<PathBuf>,
    pub tokens: TokenSettings,
    pub keys: KeySettings,
    pub tls: TlsSettings,
    pub client_failures: ClientFailureSettings,
    pub sign_in: SignInSettings,
    pub dialects: Dialects,
    /// For tests and lessons: C goes away for a moment, or makes passes that have expired, when it is asked to.
    pub test_controls: bool,
    pub registration: RegistrationSettings,
    /// Users that are made at the start if they are not there, as TOML. Without it, the demo's own in the profiles `demo`
    /// and `test`.
    pub users_file: Option<PathBuf>,
    /// A folder with pages, texts or a style sheet that replace the built-in ones.
    pub pages_dir: Option<PathBuf>,
    /// How long audit records are kept, in days.
    pub audit_days: u32,
    /// The certificate authorities that are believed when C calls clients (of a sign-out, for their keys), as PEM. Without it, the system's.
    pub ca_file: Option<PathBuf>,
    /// Who watches the flows.
    pub events: EventSettings,
    pub limits: Limits,
    pub log: LogSettings,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenSettings {
    /// How long an access token lives, in seconds.
    pub access_seconds: u32,
    /// How long an authorization code waits to be fetched, in seconds: 60 at most.
    pub code_seconds: u32,
    /// How long a refresh token lives, in seconds; each use gives a new one.
    pub refresh_seconds: u32,
    /// For how long a used refresh token is taken for the same request again, whose answer was lost, in seconds.
    pub refresh_retry_seconds: u32,
    /// How long an ID token may be believed, in seconds.
    pub id_token_seconds: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeySettings {
    /// `ES256`, `EdDSA`, `RS256`, or for learning `HS256`.
    pub algorithm: Algorithm,
    /// After so many days the next key takes over; 0 for never.
    pub rotation_days: u32,
    /// The secret that C and B share under HS256: 32 bytes at least.
    pub hs256_secret: Option<SecretSetting>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsSettings {
    /// An own certificate chain, as PEM. Without it, the development CA makes one.
    pub cert_file: Option<PathBuf>,
    /// Its private key, as PEM.
    pub key_file: Option<PathBuf>,
    /// The names in the development certificate.
    #[serde(deserialize_with = "comma_list")]
    pub names: Vec<String>,
    /// Where the development CA's public certificate is copied for the callers.
    pub publish_ca: Option<PathBuf>,
}

/// Other servers' ways of speaking, for the development of their clients.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dialects {
    /// Stand in for WeChat: its paths, its JSON, secrets and tokens in URLs. Brings `userinfo_in_query` along.
    pub wechat: bool,
    /// Take `GET /userinfo?access_token=`, as the source document writes it.
    pub userinfo_in_query: bool,
}

/// How users sign in, and how long they stay so.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignInSettings {
    /// How many wrong passwords are borne, by account and address.
    pub failures: FailureSettings,
    /// How many wrong passwords are borne from one address, for all accounts together.
    pub address_failures: FailureSettings,
    /// A session ends after so many seconds without a visit.
    pub idle_seconds: u32,
    /// A session ends after so many seconds in any case.
    pub absolute_seconds: u32,
}

/// How many failed client authentications are borne.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientFailureSettings {
    /// So many may fail at once, by client and address.
    pub burst: u32,
    /// One more after so many seconds.
    pub recover_seconds: u32,
    /// From one address, for all names together.
    pub unknown: FailureSettings,
}

/// How many failures are borne.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FailureSettings {
    /// So many may fail at once.
    pub burst: u32,
    /// One more after so many seconds.
    pub recover_seconds: u32,
}

impl Default for AuthServerSettings {
    fn default() -> Self {
        Self {
            profile: Profile::default(),
            issuer: local("http://localhost:9000"),
            listen: "127.0.0.1:9000".to_owned(),
            tls_listen: "127.0.0.1:9443".to_owned(),
            data_dir: PathBuf::from("gatepass-data"),
            database_url: None,
            clients_file: None,
            tokens: TokenSettings::default(),
            keys: KeySettings::default(),
            tls: TlsSettings::default(),
            client_failures: ClientFailureSettings::default(),
            sign_in: SignInSettings::default(),
            dialects: Dialects::default(),
            test_controls: false,
            registration: RegistrationSettings::default(),
            users_file: None,
            pages_dir: None,
            audit_days: 90,
            ca_file: None,
            events: EventSettings::default(),
            limits: Limits::default(),
            log: LogSettings::default(),
        }
    }
}

#[expect(clippy::expect_used, reason = "a constant of this program")]
fn local(url: &'static str) -> Url {
    url.parse().expect("a constant URL")
}

impl Default for TokenSettings {
    fn default() -> Self {
        Self {
            access_seconds: 1_800,
            code_seconds: 60,
            refresh_seconds: 30 * 86_400,
            refresh_retry_seconds: 10,
            id_token_seconds: 3_600,
        }
    }
}

impl Default for KeySettings {
    fn default() -> Self {
        Self { algorithm: Algorithm::default(), rotation_days: 30, hs256_secret: None }
    }
}

impl Default for TlsSettings {
    fn default() -> Self {
        let names = ["localhost", "127.0.0.1", "auth-server"].map(str::to_owned).to_vec();
        Self { cert_file: None, key_file: None, names, publish_ca: None }
    }
}

impl Default for FailureSettings {
    fn default() -> Self {
        Self { burst: 10, recover_seconds: 6 }
    }
}

impl Default for ClientFailureSettings {
    fn default() -> Self {
        let FailureSettings { burst, recover_seconds } = FailureSettings::default();
        Self { burst, recover_seconds, unknown: FailureSettings { burst: 100, recover_seconds: 3 } }
    }
}

impl Default for SignInSettings {
    fn default() -> Self {
        Self {
            failures: FailureSettings { burst: 5, recover_seconds: 30 },
            address_failures: FailureSettings { burst: 100, recover_seconds: 3 },
            idle_seconds: 8 * 3_600,
            absolute_seconds: 7 * 86_400,
        }
    }
}

/// Verifiers' clocks may run behind; a key stays published for that much longer than the last token that it signed.
const CLOCK_SKEW_SECONDS: u32 = 300;

impl TokenSettings {
    /// For how long a key that signs no more stays published, in seconds.
    pub fn key_overlap(&self) -> i64 {
        i64::from(self.access_seconds.max(self.id_token_seconds)) + i64::from(CLOCK_SKEW_SECONDS)
    }
}

impl SignInSettings {
    pub fn session_life(&self) -> SessionLife {
        SessionLife { idle: self.idle_seconds.into(), absolute: self.absolute_seconds.into() }
    }
}

impl AuthServerSettings {
    /// The issuer identifier as it stands in every token: without the slash that `Url` adds to a bare host.
    pub fn issuer(&self) -> String {
        let text = self.issuer.as_str();
        if self.issuer.path() == "/" { text.trim_end_matches('/').to_owned() } else { text.to_owned() }
    }

    /// The PostgreSQL database, where it is not the file.
    ///
    /// # Errors
    /// When it cannot be one. Nothing of its value is in the error.
    pub fn database_url(&self) -> Result<Option<&str>, String> {
        database_url(self.database_url.as_ref())
    }

    /// How clients are called.
    pub fn http(&self) -> HttpClientSettings {
        HttpClientSettings { ca_file: self.ca_file.clone(), ..HttpClientSettings::default() }
    }

    fn clients(&self) -> Result<ClientsFile, FileError> {
        ClientsFile::read(self.clients_file.as_deref(), self.profile, &Entropy::system())
    }

    /// What no profile can do with.
    ///
    /// # Errors
    /// The setting and what is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        if self.issuer.query().is_some() || self.issuer.fragment().is_some() {
            return Err("issuer: has a query or a fragment, which RFC 8414 section 2 forbids".to_owned());
        }
        if self.tokens.access_seconds == 0 {
            return Err("tokens.access_seconds: a token that lives 0 seconds is never good".to_owned());
        }
        if !(1..=60).contains(&self.tokens.code_seconds) {
            return Err("tokens.code_seconds: a code lives from 1 to 60 seconds".to_owned());
        }
        self.database_url()?;
        self.registration.check()?;
        let secret = self.keys.hs256_secret.as_ref().map(|secret| secret.expose().len());
        if self.keys.algorithm == Algorithm::HS256 && secret.is_none_or(|bytes| bytes < HS256_SECRET_BYTES) {
            return Err(format!(
                "keys.hs256_secret: HS256 needs a secret of at least {HS256_SECRET_BYTES} bytes (RFC 7518 section 3.2), shared with B"
            ));
        }
        Ok(())
    }
}

impl Settings for AuthServerSettings {
    const SERVICE: &'static str = "auth-server";
    const HIDDEN_URLS: &'static [&'static str] = &["database_url"];

    fn profile(&self) -> Profile {
        self.profile
    }

    fn listener(&self) -> (&str, Option<&Path>) {
        (&self.listen, None)
    }

    fn log(&self) -> &LogSettings {
        &self.log
    }

    fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        findings.extend(plain_http("issuer", self.issuer.as_str()));
        findings.extend(own_name("issuer", self.issuer.as_str()));
        // Others are served over TLS, at tls_listen.
        findings.extend(plain_listener(&self.listen, &TlsFiles::default()));
        findings.extend(self.database_url().ok().flatten().and_then(unproved_database));
        if self.clients_file.is_none() && self.profile != Profile::Production {
            findings.push(Finding::new(
                "clients_file",
                "is not set, so the demo's clients are served",
                "name your own",
            ));
        }
        if self.tls.cert_file.is_none() && !self.tls_listen.is_empty() {
            findings.push(Finding::new("tls.cert_file", "is not set, so the development CA is used", "name your own"));
        }
        if self.keys.algorithm == Algorithm::HS256 {
            findings.push(Finding::new("keys.algorithm", "HS256 lets every B make passes", "use ES256"));
        }
        if self.dialects.wechat {
            findings.push(Finding::new("dialects.wechat", "takes secrets and tokens in URLs", "switch it off"));
        }
        if self.test_controls {
            findings.push(Finding::new("test_controls", "lets anybody stop C for a while", "switch it off"));
        }
        findings.extend(self.registration.findings());
        if self.dialects.userinfo_in_query {
            findings.push(Finding::new("dialects.userinfo_in_query", "takes tokens in URLs", "switch it off"));
        }
        if self.tokens.access_seconds > 3_600 {
            findings.push(Finding::new("tokens.access_seconds", "a stolen token is good for over an hour", "use 1800"));
        }
        match self.clients() {
            Err(error) => findings.push(Finding::new("clients_file", error.to_string(), "mend the file")),
            Ok(file) if self.profile.is_production() => {
                findings.extend(
                    file.known_secrets().map(|problem| Finding::new("clients_file", problem, "choose another")),
                );
            }
            Ok(_) => {}
        }
        if let Err(error) = check_users(self.users_file.as_deref(), self.profile) {
            findings.push(Finding::new("users_file", format!("{error:#}"), "mend the file"));
        }
        findings.extend(self.events.finding());
        findings.extend(self.log.finding());
        findings
    }

    fn try_out(&self) -> anyhow::Result<()> {
        self.log.try_out()?;
        self.check().map_err(anyhow::Error::msg)?;
        self.clients().context("the setting `clients_file`")?;
        check_users(self.users_file.as_deref(), self.profile).context("the setting `users_file`")?;
        pages(self.pages_dir.as_deref())?;
        http_client_without_authorities(&self.http())?;
        OwnCertificates::of(self.tls.cert_file.as_ref(), self.tls.key_file.as_ref())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{SecretHash, hash_chosen_secret};

    fn production() -> AuthServerSettings {
        AuthServerSettings {
            profile: Profile::Production,
            issuer: local("https://login.example.com"),
            tls: TlsSettings {
                cert_file: Some("c.pem".into()),
                key_file: Some("k.pem".into()),
                ..TlsSettings::default()
            },
            // Sound, as nobody stands in it.
            clients_file: Some("/dev/null".into()),
            ..AuthServerSettings::default()
        }
    }

    fn named(settings: &AuthServerSettings) -> Vec<&'static str> {
        settings.findings().iter().map(|finding| finding.setting).collect()
    }

    #[test]
    fn a_sound_production_has_no_findings() {
        assert_eq!(named(&production()), [""; 0]);
    }

    #[test]
    fn each_unsafe_setting_is_found() {
        let mut settings = production();
        settings.issuer = local("http://login.example.com");
        settings.listen = "0.0.0.0:9000".to_owned();
        settings.database_url = Some(SecretSetting::new("postgres://gatepass@db/gatepass"));
        settings.tls.cert_file = None;
        settings.keys.algorithm = Algorithm::HS256;
        settings.tokens.access_seconds = 7_200;
        settings.clients_file = Some("/nowhere/clients.toml".into());
        settings.users_file = Some("/nowhere/users.toml".into());
        settings.log.otlp_endpoint = Some("http://collector:4318/v1/traces".to_owned());
        settings.dialects = Dialects { wechat: true, userinfo_in_query: true };
        settings.test_controls = true;
        settings.registration.enabled = true;
        settings.registration.allow_private_urls = true;
        assert_eq!(
            named(&settings),
            [
                "issuer",
                "listen",
                "database_url",
                "tls.cert_file",
                "keys.algorithm",
                "dialects.wechat",
                "test_controls",
                "registration.enabled",
                "registration.allow_private_urls",
                "dialects.userinfo_in_query",
                "tokens.access_seconds",
                "clients_file",
                "users_file",
                "log.otlp_endpoint"
            ]
        );
    }

    #[test]
    fn clients_register_themselves_in_production_with_a_token_that_nobody_guesses() {
        let mut settings = production();
        settings.registration.enabled = true;
        settings.registration.initial_access_token = Some(SecretSetting::new("guess me"));
        assert_eq!(named(&settings), ["registration.initial_access_token"]);
        settings.registration.initial_access_token = Some(SecretSetting::new("5e0b1c3f9a7d4e2286b0f1d3c5a79e80"));
        assert_eq!(named(&settings), [""; 0]);
    }

    #[test]
    fn a_secret_that_everybody_knows_is_found_behind_its_hash() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clients.toml");
        let written = |secret: &str| {
            let SecretHash::Argon2id(phc) = hash_chosen_secret(secret, [7; 16]).unwrap() else { panic!("a PHC") };
            std::fs::write(&path, format!("[[clients]]\nclient_id = \"a\"\nclient_secret_hash = \"{phc}\"\n")).unwrap();
            named(&AuthServerSettings { clients_file: Some(path.clone()), ..production() })
        };
        assert_eq!(written("abc123"), ["clients_file"]);
        assert_eq!(written("a secret that only the two of us know"), [""; 0]);
    }

    #[test]
    fn the_demo_says_that_it_is_one() {
        assert_eq!(named(&AuthServerSettings::default()), ["issuer", "clients_file", "tls.cert_file"]);
    }

    #[test]
    fn settings_that_cannot_work_are_refused() {
        let refused = |change: fn(&mut AuthServerSettings)| {
            let mut settings = production();
            change(&mut settings);
            settings.check().unwrap_err()
        };
        assert!(refused(|s| s.keys.algorithm = Algorithm::HS256).contains("hs256_secret"));
        assert!(refused(|s| s.issuer.set_query(Some("x"))).contains("issuer"));
        assert!(refused(|s| s.tokens.access_seconds = 0).contains("access_seconds"));
        assert!(refused(|s| s.tokens.code_seconds = 61).contains("code_seconds"));
        assert!(refused(|s| s.registration.initial_access_token = Some(SecretSetting::new(""))).contains("is empty"));
        assert!(refused(|s| s.registration.grant_types = vec!["password".to_owned()]).contains("password"));
        assert!(refused(|s| s.database_url = Some(SecretSetting::new("mysql://db"))).contains("database_url"));
    }

    #[test]
    fn an_empty_database_url_is_none() {
        let empty = AuthServerSettings { database_url: Some(SecretSetting::new("")), ..production() };
        assert_eq!(empty.database_url(), Ok(None));
    }

    #[test]
    fn the_issuer_has_no_slash_that_nobody_wrote() {
        assert_eq!(AuthServerSettings::default().issuer(), "http://localhost:9000");
        let tenant = AuthServerSettings { issuer: local("https://c.example/t/"), ..AuthServerSettings::default() };
        assert_eq!(tenant.issuer(), "https://c.example/t/");
    }
}
