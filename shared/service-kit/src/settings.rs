mod credentials;
mod environment;
mod error_text;
#[cfg(test)]
mod sample;

use std::path::{Path, PathBuf};

use config::{Config, File, FileFormat};
use serde::{Serialize, de::DeserializeOwned};

use self::{
    credentials::{explain_without_password, reject_credentials},
    environment::{PREFIX, environment_of, reject_unknown_servers, with_full_names},
    error_text::explain,
};
use crate::{Profile, UnsafeSetting, secret_setting::with_plain_secrets, telemetry::LogSettings};

pub(crate) use self::environment::misspelled_variables;
pub use self::error_text::describe_toml_error;

/// The settings of one server. Every struct in it has a default for each field and rejects unknown
/// fields.
pub trait Settings: DeserializeOwned + Serialize + Default {
    /// The name of the server and of its command, such as `service-a`.
    const SERVICE: &'static str;

    /// Environment variables with a short name, each with the setting that it sets.
    const SHORT_VARIABLES: &'static [(&'static str, &'static str)] = &[];

    /// Returns the profile.
    fn profile(&self) -> Profile;

    /// Returns `host:port` of the setting `listen`.
    fn listen(&self) -> &str;

    /// Returns `host:port` of the setting `tls_listen`, or nothing if it is off. Only C has one.
    fn tls_listen(&self) -> &str {
        ""
    }

    /// Returns `host:port` of the setting `manage_listen`, or nothing if it is off.
    fn manage_listen(&self) -> &str;

    /// Returns `host:port` of the setting `control.listen`, or nothing if it is off. Only C has
    /// one.
    fn control_listen(&self) -> &str {
        ""
    }

    /// Returns the log settings.
    fn log(&self) -> &LogSettings;

    /// Returns every setting whose value is not safe in production.
    fn unsafe_settings(&self) -> Vec<UnsafeSetting>;

    /// Returns settings that are wrong unless something outside, such as the network, makes them
    /// right. They never prevent a start.
    fn warnings(&self) -> Vec<UnsafeSetting> {
        Vec::new()
    }

    /// Checks the settings by building everything that is built from them before the server binds,
    /// such as TLS configuration and HTTP clients. If it succeeds, `serve` can start.
    ///
    /// # Errors
    /// Returns the first problem that prevents a start in any profile.
    fn validate(&self) -> anyhow::Result<()>;
}

/// Sources of settings. Later fields override earlier ones; all override the defaults of the code.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Path of a TOML file.
    pub file: Option<PathBuf>,
    /// Environment variables as names and values. An empty value counts as unset, because compose
    /// files set variables to nothing. Passed in, so that tests do not change the process.
    pub environment: Vec<(String, String)>,
    /// `key=value` pairs from the command line, with a dot in nested keys.
    pub overrides: Vec<String>,
}

/// Why settings cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// There is no setting of this name.
    #[error("unknown setting `{key}`{}", nearest.as_deref().map(|name| format!("; did you mean `{name}`?")).unwrap_or_default())]
    Unknown {
        /// The unknown name.
        key: String,
        /// The most similar setting, if there is one.
        nearest: Option<String>,
    },
    /// An override without `=`.
    #[error("`--set {0}` is not of the form KEY=VALUE")]
    NotAPair(String),
    /// A URL contains a user name or a password.
    #[error(
        "the setting `{0}` is a URL with a user name or password, which logs and `check-config` would print: remove them"
    )]
    Credentials(String),
    /// A value has the wrong type, or the file cannot be read or parsed.
    #[error("{0}")]
    Invalid(String),
}

/// Loads the settings of a server from `sources`.
///
/// # Errors
/// Returns a [`SettingsError`] that names the setting. It never contains the value of a secret.
pub fn load<S: Settings>(sources: &Sources) -> Result<S, SettingsError> {
    load_above(None, sources)
}

/// Loads the settings that override those of `base`. Secrets of `base` are kept.
///
/// # Errors
/// Returns a [`SettingsError`] that names the setting. It never contains the value of a secret.
pub fn load_over<S: Settings>(base: &S, sources: &Sources) -> Result<S, SettingsError> {
    let base = with_plain_secrets(|| toml::to_string(base));
    load_above(Some(base.map_err(|error| SettingsError::Invalid(error.to_string()))?), sources)
}

/// Loads settings above the defaults of a TOML text.
fn load_above<S: Settings>(base: Option<String>, sources: &Sources) -> Result<S, SettingsError> {
    let set = sources.environment.iter().filter(|(_, value)| !value.is_empty());
    let environment = with_full_names::<S>(set.cloned().collect())?;
    reject_unknown_servers(&environment)?;
    let variables = environment.iter().map(|(name, _)| name.as_str());
    // The `config` crate ignores the case of the prefix.
    let prefix = PREFIX.to_lowercase();
    reject_list_indexes(variables.filter(|name| name.to_lowercase().starts_with(&prefix)))?;
    reject_list_indexes(sources.overrides.iter().filter_map(|pair| Some(pair.split_once('=')?.0)))?;
    let mut builder = Config::builder();
    if let Some(base) = base {
        builder = builder.add_source(File::from_str(&base, FileFormat::Toml));
    }
    if let Some(file) = &sources.file {
        builder = builder.add_source(File::from_str(&read(file)?, FileFormat::Toml));
    }
    builder = builder.add_source(environment_of(S::SERVICE, environment));
    for pair in &sources.overrides {
        let (key, value) =
            pair.split_once('=').ok_or_else(|| SettingsError::NotAPair(pair.clone()))?;
        builder = builder.set_override(key, value).map_err(|error| explain::<S>(&error))?;
    }
    let config = builder.build().map_err(|error| explain::<S>(&error))?;
    let given = config.cache.clone();
    let settings =
        config.try_deserialize().map_err(|error| explain_without_password::<S>(&error, given))?;
    reject_credentials(&settings)?;
    Ok(settings)
}

/// Reads a TOML file. The parser's own error message is not used, because it quotes the line, which
/// may contain a secret.
fn read(file: &Path) -> Result<String, SettingsError> {
    let invalid = |reason: String| SettingsError::Invalid(format!("{}: {reason}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| invalid(error.to_string()))?;
    match toml::from_str::<toml::Table>(&text) {
        Ok(table) => reject_list_indexes(table.keys().map(String::as_str)).map(|()| text),
        Err(error) => Err(invalid(describe_toml_error(&text, &error))),
    }
}

/// Rejects keys with a list index, such as `resources[0]`. The `config` crate would fill a list up
/// to the index with empty values, so that one short key could use all memory.
fn reject_list_indexes<'a>(mut keys: impl Iterator<Item = &'a str>) -> Result<(), SettingsError> {
    match keys.find(|key| key.contains('[')) {
        Some(key) => Err(SettingsError::Unknown { key: key.to_owned(), nearest: None }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        sample::{Sample, below, environment},
        *,
    };
    use crate::SecretSetting;

    #[test]
    fn flags_override_environment_overrides_file_overrides_base() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.toml");
        std::fs::write(&file, "issuer = \"file\"\nseconds = 1\nnames = [\"x\"]\n").unwrap();
        let sources = Sources {
            file: Some(file),
            environment: environment(&[
                ("GATEPASS__SERVICE_A__ISSUER", "environment"),
                ("GATEPASS__SERVICE_A__SECONDS", "2"),
                ("GATEPASS__SERVICE_B__ISSUER", "other"),
                ("GATEPASS__FLOW_VIEWER__LISTEN", "other"),
            ]),
            overrides: vec!["seconds=3".to_owned()],
        };
        let base = below();
        let read: Sample = load_over(&base, &sources).unwrap();
        assert_eq!(
            (read.issuer.as_str(), read.seconds, read.names),
            ("environment", 3, vec!["x".to_owned()])
        );
        assert_eq!(load_over(&base, &Sources::default()).unwrap().names, ["below"]);
    }

    #[test]
    fn secret_of_the_base_is_kept_unless_it_is_overridden() {
        let base = Sample { client_secret: Some(SecretSetting::new("the secret")), ..below() };
        let secret = |variables: &[(&str, &str)]| {
            let sources = Sources { environment: environment(variables), ..Sources::default() };
            let read: Sample = load_over(&base, &sources).unwrap();
            read.client_secret.unwrap().expose().to_owned()
        };
        assert_eq!(secret(&[("GATEPASS__SERVICE_A__SECONDS", "2")]), "the secret");
        assert_eq!(secret(&[("GATEPASS__SERVICE_A__CLIENT_SECRET", "another")]), "another");
        assert!(toml::to_string(&base).unwrap().contains("client_secret = \"[hidden]\""));
    }

    #[test]
    fn list_index_in_a_key_is_rejected_before_memory_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.toml");
        std::fs::write(&file, "\"names[99999999999]\" = \"x\"\n").unwrap();
        for sources in [
            Sources { file: Some(file), ..Sources::default() },
            Sources {
                environment: environment(&[("GATEPASS__SERVICE_A__NAMES[99999999999]", "x")]),
                ..Sources::default()
            },
            Sources {
                environment: environment(&[("gatepass__Service_A__NAMES[99999999999]", "x")]),
                ..Sources::default()
            },
            Sources { overrides: vec!["names[99999999999]=x".to_owned()], ..Sources::default() },
        ] {
            let error = load::<Sample>(&sources).unwrap_err().to_string();
            assert!(error.to_lowercase().contains("names[99999999999]`"), "{error}");
        }
    }

    #[test]
    fn missing_file_is_named() {
        let sources = Sources { file: Some("/nowhere/a.toml".into()), ..Sources::default() };
        assert!(load::<Sample>(&sources).unwrap_err().to_string().contains("/nowhere/a.toml"));
    }
}
