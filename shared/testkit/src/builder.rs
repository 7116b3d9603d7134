use auth_server::AuthServerSettings;
use serde_json::{Map, Value};
use service_kit::{Profile, SecretSetting};
use url::Url;

use crate::{Client, Gatepass, Resource, StartError, User};

/// Settings of a server in this process. See [`Gatepass::builder`].
#[must_use = "nothing happens before `start`"]
pub struct GatepassBuilder {
    settings: AuthServerSettings,
    seed: Option<Map<String, Value>>,
    problem: Option<StartError>,
}

impl Gatepass {
    /// Returns the settings of a server that is not started.
    pub fn builder() -> GatepassBuilder {
        GatepassBuilder::new()
    }

    /// Starts a server with the clients and users of the demo.
    ///
    /// # Errors
    /// Returns an error if no port is free.
    pub async fn start() -> Result<Self, StartError> {
        Self::builder().start().await
    }
}

impl GatepassBuilder {
    fn new() -> Self {
        let mut settings = AuthServerSettings {
            profile: Profile::Test,
            listen: "127.0.0.1:0".to_owned(),
            tls_listen: String::new(),
            manage_listen: String::new(),
            ..AuthServerSettings::default()
        };
        settings.control.listen = "127.0.0.1:0".to_owned();
        // The test has ended, so no request needs a response.
        settings.limits.drain_timeout_seconds = 0;
        Self { settings, seed: None, problem: None }.issuer("http://127.0.0.1:0")
    }

    /// The issuer identifier. Port 0 stands for the port of the server, as in the default
    /// `http://127.0.0.1:0`.
    pub fn issuer(mut self, issuer: &str) -> Self {
        match issuer.parse::<Url>() {
            Ok(url) => self.settings.issuer = url,
            Err(error) => {
                let problem = format!("the issuer `{issuer}` is not a URL: {error}");
                self.problem.get_or_insert(StartError::new(problem));
            }
        }
        self
    }

    /// The resources, clients, users, claims and looseness, as TOML or as a JSON object. Without a
    /// seed and without entries, the server has those of the demo.
    pub fn seed(mut self, text: &str) -> Self {
        match parse(text) {
            Ok(seed) => self.seed = Some(seed),
            Err(problem) => {
                self.problem.get_or_insert(StartError::new(problem));
            }
        }
        self
    }

    /// Adds a user to the seed.
    pub fn user(self, user: User) -> Self {
        self.entry("users", user.into_members())
    }

    /// Adds a client to the seed.
    pub fn client(self, client: Client) -> Self {
        self.entry("clients", client.into_members())
    }

    /// Adds a resource to the seed.
    pub fn resource(self, resource: Resource) -> Self {
        self.entry("resources", resource.into_members())
    }

    fn entry(mut self, kind: &str, members: Map<String, Value>) -> Self {
        let seed = self.seed.get_or_insert_default();
        let list = seed.entry(kind).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(list) = list {
            list.push(members.into());
        }
        self
    }

    /// Changes any setting of the server. The defaults are free ports of the loopback interface,
    /// and `control.listen`, without which the server does not start.
    pub fn settings(mut self, change: impl FnOnce(&mut AuthServerSettings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// Starts the server, which ends when the [`Gatepass`] is dropped.
    ///
    /// # Errors
    /// Returns an error if the seed or a setting is invalid, or if no port is free.
    pub async fn start(self) -> Result<Gatepass, StartError> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        let mut settings = self.settings;
        if let Some(seed) = self.seed {
            settings.control.seed = Some(SecretSetting::new(Value::Object(seed).to_string()));
        }
        Gatepass::start_with(settings).await
    }
}

/// Parses a seed. JSON objects begin with a brace, and no TOML document does.
fn parse(text: &str) -> Result<Map<String, Value>, String> {
    if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|error| format!("the seed is not JSON: {error}"))
    } else {
        toml::from_str(text).map_err(|error| format!("the seed is not TOML: {}", error.message()))
    }
}
