//! The settings of C.

mod dialects;
mod failures;
mod findings;
mod keys;
mod registration;
mod sign_in;
mod tls;
mod tokens;

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use service_kit::{
    EventSettings, Finding, HttpClientSettings, Limits, Profile, SecretSetting, Settings,
    database_url, http_client_without_authorities, telemetry::LogSettings, tls::OwnCertificates,
};
use url::Url;

pub use dialects::Dialects;
pub use failures::{ClientFailureSettings, FailureSettings};
pub use keys::KeySettings;
pub use registration::RegistrationSettings;
pub use sign_in::SignInSettings;
pub use tls::TlsSettings;
pub use tokens::TokenSettings;

use crate::{
    Entropy,
    pages::pages,
    registry::{ClientsFile, FileError},
    users_file::check_users,
};

/// What puts C under a path takes the path off again before C sees it, so C's pages cannot name
/// themselves.
pub const PATH_AND_PAGES: &str = "it has a path, and the pages on which people sign in leave it. Give C a host of its own, or \
                                  let no client send people here (redirect_uris, registration.enabled)";

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
    /// A PostgreSQL database, as `postgres://user:password@host/database`; empty for a file in
    /// `data_dir`.
    pub database_url: Option<SecretSetting>,
    /// Clients and resources, as TOML. Without it, the demo's own in the profiles `demo` and
    /// `test`.
    pub clients_file: Option<PathBuf>,
    pub tokens: TokenSettings,
    pub keys: KeySettings,
    pub tls: TlsSettings,
    pub client_failures: ClientFailureSettings,
    pub sign_in: SignInSettings,
    pub dialects: Dialects,
    /// For tests and lessons: C goes away for a moment, or makes passes that have expired, when it
    /// is asked to.
    pub test_controls: bool,
    pub registration: RegistrationSettings,
    /// Users that are made at the start if they are not there, as TOML. Without it, the demo's own
    /// in the profiles `demo` and `test`.
    pub users_file: Option<PathBuf>,
    /// A folder with pages, texts or a style sheet that replace the built-in ones.
    pub pages_dir: Option<PathBuf>,
    /// How long audit records are kept, in days.
    pub audit_days: u32,
    /// The certificate authorities that are believed when C calls clients (of a sign-out, for their
    /// keys), as PEM. Without it, the system's.
    pub ca_file: Option<PathBuf>,
    /// Who watches the flows.
    pub events: EventSettings,
    pub limits: Limits,
    pub log: LogSettings,
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

impl AuthServerSettings {
    /// The issuer identifier as it stands in every token: without the slash that `Url` adds to a
    /// bare host.
    pub fn issuer(&self) -> String {
        let text = self.issuer.as_str();
        if self.issuer.path() == "/" {
            text.trim_end_matches('/').to_owned()
        } else {
            text.to_owned()
        }
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

    fn lets_people_sign_in(&self) -> bool {
        let in_file = || {
            self.clients()
                .is_ok_and(|file| file.clients.iter().any(|client| client.login.is_some()))
        };
        self.registration.enabled || in_file()
    }

    /// What no profile can do with.
    ///
    /// # Errors
    /// The setting and what is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        if self.issuer.query().is_some() || self.issuer.fragment().is_some() {
            return Err(
                "issuer: has a query or a fragment, which RFC 8414 section 2 forbids".to_owned()
            );
        }
        if self.issuer.path() != "/" && self.lets_people_sign_in() {
            return Err(format!("issuer: {PATH_AND_PAGES}"));
        }
        if self.tokens.access_seconds == 0 {
            return Err(
                "tokens.access_seconds: a token that lives 0 seconds is never good".to_owned()
            );
        }
        if !(1..=60).contains(&self.tokens.code_seconds) {
            return Err("tokens.code_seconds: a code lives from 1 to 60 seconds".to_owned());
        }
        if self.audit_days == 0 {
            return Err(
                "audit_days: at 0 each record would be forgotten as soon as it is written; 1 is the least".to_owned()
            );
        }
        self.database_url()?;
        self.registration.check()?;
        self.keys.check()
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
        findings::findings(self)
    }

    fn try_out(&self) -> anyhow::Result<()> {
        self.log.try_out()?;
        self.check().map_err(anyhow::Error::msg)?;
        self.clients().context("the setting `clients_file`")?;
        check_users(self.users_file.as_deref(), self.profile)
            .context("the setting `users_file`")?;
        pages(self.pages_dir.as_deref())?;
        http_client_without_authorities(&self.http())?;
        OwnCertificates::of(self.tls.cert_file.as_ref(), self.tls.key_file.as_ref())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
