//! The settings of the flow viewer.

use std::path::Path;

use oauth_types::{ClientSecret, parse_endpoint_url};
use serde::{Deserialize, Serialize};
use service_kit::{
    HttpClientSettings, Limits, Profile, SecretSetting, Settings, TlsFiles, UnsafeSetting,
    http_client_with_optional_roots, plain_http_listener, telemetry::LogSettings,
};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FlowViewerSettings {
    pub profile: Profile,
    /// Where the viewer is served, as `host:port`.
    pub listen: String,
    /// Play stories, attacks among them, against the servers below when a button is pressed.
    pub stories: bool,
    /// C, A and the two Bs, as the stories reach them.
    pub auth_server: Place,
    pub service_a: Place,
    pub b_local: Place,
    pub b_introspection: Place,
    /// The client as which stories ask for passes, as well as its secret.
    pub client_id: String,
    pub client_secret: Option<SecretSetting>,
    /// The user as whom stories log in.
    pub username: String,
    pub password: Option<SecretSetting>,
    pub limits: Limits,
    pub log: LogSettings,
}

/// One server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Place {
    /// Where it is reached from here.
    pub url: String,
    /// Where browsers find it; of C the issuer, of a B its resource identifier.
    pub public_url: String,
}

impl Place {
    fn at(url: &str) -> Self {
        Self { url: url.to_owned(), public_url: url.to_owned() }
    }
}

/// Everybody's, in the demo.
const DEMO_PASSWORD: &str = "wonderland";

impl Default for FlowViewerSettings {
    fn default() -> Self {
        Self {
            profile: Profile::default(),
            listen: "127.0.0.1:9004".to_owned(),
            stories: true,
            auth_server: Place::at("http://localhost:9000"),
            service_a: Place::at("http://localhost:9001"),
            b_local: Place::at("http://localhost:9002"),
            b_introspection: Place::at("http://localhost:9003"),
            client_id: "service-a".to_owned(),
            client_secret: None,
            username: "alice".to_owned(),
            password: None,
            limits: Limits::default(),
            log: LogSettings::default(),
        }
    }
}

impl FlowViewerSettings {
    /// # Errors
    /// When none is set in production.
    pub fn secret(&self) -> anyhow::Result<ClientSecret> {
        let secret = SecretSetting::resolve(
            "client_secret",
            self.client_secret.as_ref(),
            None,
            self.profile,
        )?;
        Ok(ClientSecret::new(secret.expose()))
    }

    pub(crate) fn password(&self) -> oauth_types::Password {
        oauth_types::Password::new(
            self.password.as_ref().map_or(DEMO_PASSWORD, SecretSetting::expose),
        )
    }

    pub(crate) fn places(&self) -> [(&'static str, &Place); 4] {
        [
            ("auth_server", &self.auth_server),
            ("service_a", &self.service_a),
            ("b_local", &self.b_local),
            ("b_introspection", &self.b_introspection),
        ]
    }

    fn check(&self) -> anyhow::Result<()> {
        for (name, place) in self.places() {
            for (part, url) in [("url", &place.url), ("public_url", &place.public_url)] {
                parse_endpoint_url(url).map_err(|problem| {
                    anyhow::anyhow!("the setting `{name}.{part}`: {problem}: {url}")
                })?;
            }
        }
        Ok(())
    }
}

impl Settings for FlowViewerSettings {
    const SERVICE: &'static str = "flow-viewer";
    const SECRET_URL_SETTINGS: &'static [&'static str] = &[];

    fn profile(&self) -> Profile {
        self.profile
    }

    fn listener(&self) -> (&str, Option<&Path>) {
        (&self.listen, None)
    }

    fn log(&self) -> &LogSettings {
        &self.log
    }

    fn unsafe_settings(&self) -> Vec<UnsafeSetting> {
        let mut findings = Vec::new();
        findings.extend(plain_http_listener(&self.listen, &TlsFiles::default()));
        if self.stories {
            findings.push(UnsafeSetting::new(
                "stories",
                "plays attacks at the press of a button",
                "switch it off",
            ));
        }
        findings.extend(self.log.unsafe_setting());
        findings
    }

    fn validate(&self) -> anyhow::Result<()> {
        self.log.validate()?;
        self.check()?;
        http_client_with_optional_roots(&HttpClientSettings::default())?;
        crate::server::FlowViewer::prepare_world(self).map(|_| ())
    }
}
