use std::path::{Path, PathBuf};

use config::{Config, ConfigError, Environment, File, FileFormat, Value};
use oauth_types::closest_match;
use serde::{Serialize, de::DeserializeOwned};
use url::Url;

use crate::{Profile, UnsafeSetting, secret_setting::with_plain_secrets, telemetry::LogSettings};

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

/// Servers whose settings may be environment variables `GATEPASS__SERVER__KEY`. The double
/// underscore distinguishes them from variables such as `GATEPASS_PORT`, which Kubernetes sets for
/// a service named `gatepass`.
const SERVICES: [&str; 4] = ["auth-server", "service-a", "service-b", "flow-viewer"];
const PREFIX: &str = "GATEPASS__";

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

/// Replaces the short names of variables by those that name the setting.
fn with_full_names<S: Settings>(
    mut environment: Vec<(String, String)>,
) -> Result<Vec<(String, String)>, SettingsError> {
    for (short, setting) in S::SHORT_VARIABLES {
        let full =
            format!("{}__{}", prefix_of(S::SERVICE), setting.to_uppercase()).replace('.', "__");
        let Some(index) = environment.iter().position(|(name, _)| name == short) else { continue };
        if environment.iter().any(|(name, _)| name.eq_ignore_ascii_case(&full)) {
            let text = format!("both {short} and {full} are set: use only one of them");
            return Err(SettingsError::Invalid(text));
        }
        environment[index].0 = full;
    }
    Ok(environment)
}

/// Returns what the variables of a server begin with.
fn prefix_of(service: &str) -> String {
    format!("{PREFIX}{}", service.to_uppercase().replace('-', "_"))
}

/// Rejects settings that would print a password. Serialized settings are what `check-config`
/// prints: secrets are hidden in them, so a secret that looks like a URL is accepted.
fn reject_credentials<S: Settings>(settings: &S) -> Result<(), SettingsError> {
    let printed = toml::Value::try_from(settings)
        .map_err(|error| SettingsError::Invalid(error.to_string()))?;
    match urls_with_credentials("", &printed).into_iter().next() {
        Some((setting, _)) => Err(SettingsError::Credentials(setting)),
        None => Ok(()),
    }
}

/// Explains why a setting cannot be used. The `config` crate quotes some values. If it quotes a URL
/// with credentials, the error names the setting instead.
fn explain_without_password<S: Settings>(error: &ConfigError, given: Value) -> SettingsError {
    let (text, given) = (error.to_string(), given.try_deserialize::<toml::Value>());
    let found = given.map(|given| urls_with_credentials("", &given)).unwrap_or_default();
    match found.into_iter().find(|(_, url)| text.contains(url)) {
        Some((setting, _)) => SettingsError::Credentials(setting),
        None => explain::<S>(error),
    }
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

/// Describes a TOML error with its line number. Quotes neither the line nor the value, because they
/// may be a secret.
#[must_use]
pub fn describe_toml_error(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before
        .map(|before| format!("line {}: ", before.matches('\n').count() + 1))
        .unwrap_or_default();
    let message = error.message();
    let quotes_the_value = ["invalid type: ", "invalid value: ", "unknown variant "];
    // The value may contain the same words; the last occurrence is the parser's.
    match message.rsplit_once(", expected ") {
        Some((found, expected))
            if quotes_the_value.iter().any(|words| found.starts_with(words)) =>
        {
            format!("{line}wrong type or value, expected {expected}")
        }
        _ => format!("{line}{message}"),
    }
}

/// Returns every setting whose value is a URL with credentials, even if it is otherwise malformed,
/// and the URL.
fn urls_with_credentials(key: &str, value: &toml::Value) -> Vec<(String, String)> {
    match value {
        toml::Value::String(text) if has_credentials(text) => vec![(key.to_owned(), text.clone())],
        toml::Value::Array(items) => {
            items.iter().flat_map(|item| urls_with_credentials(key, item)).collect()
        }
        toml::Value::Table(table) => table
            .iter()
            .flat_map(|(name, value)| {
                let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                urls_with_credentials(&key, value)
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn has_credentials(text: &str) -> bool {
    let authority = text.split_once("://").and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
    authority.is_some_and(|authority| authority.contains('@'))
        || Url::parse(text).is_ok_and(|url| !url.username().is_empty() || url.password().is_some())
}

fn environment_of(service: &str, environment: Vec<(String, String)>) -> Environment {
    let prefix = prefix_of(service);
    // Values stay strings until a field deserializes a number: a secret such as `007` must not
    // become 7.
    Environment::with_prefix(&prefix)
        .prefix_separator("__")
        .separator("__")
        .source(Some(environment.into_iter().collect()))
}

fn reject_unknown_servers(environment: &[(String, String)]) -> Result<(), SettingsError> {
    let known = SERVICES.map(|service| prefix_of(service) + "__");
    for (name, _) in environment.iter().filter(|(name, _)| name.starts_with(PREFIX)) {
        if !known.iter().any(|prefix| name.starts_with(prefix)) {
            let nearest = closest_match(name, known.iter().map(String::as_str))
                .map(|prefix| format!("{prefix}..."));
            return Err(SettingsError::Unknown { key: name.clone(), nearest });
        }
    }
    Ok(())
}

/// Rejects keys with a list index, such as `resources[0]`. The `config` crate would fill a list up
/// to the index with empty values, so that one short key could use all memory.
fn reject_list_indexes<'a>(mut keys: impl Iterator<Item = &'a str>) -> Result<(), SettingsError> {
    match keys.find(|key| key.contains('[')) {
        Some(key) => Err(SettingsError::Unknown { key: key.to_owned(), nearest: None }),
        None => Ok(()),
    }
}

/// Converts the message of the `config` crate, which ends with the key of the value: ``unknown
/// field `fromat`, expected one of `format`, `filter` for key `log` ``.
fn explain<S: Settings>(error: &ConfigError) -> SettingsError {
    let text = error.to_string();
    let (problem, key) = match text.rsplit_once(" for key `") {
        Some((problem, key)) => (problem, key.split('`').next().unwrap_or_default()),
        None => (text.as_str(), ""),
    };
    if let Some((_, after)) = problem.split_once("unknown field `") {
        return unknown(key, after);
    }
    let allowed = problem
        .split_once(" does not have variant constructor ")
        .and_then(|(_, given)| allowed_values::<S>(key, given));
    let problem = allowed.or_else(|| wrong_type(problem)).unwrap_or_else(|| problem.to_owned());
    match key {
        "" => SettingsError::Invalid(problem),
        key => SettingsError::Invalid(format!("`{key}`: {problem}")),
    }
}

/// `names` is the rest of serde's message: the unknown name, and the known ones, in backticks.
fn unknown(parent: &str, names: &str) -> SettingsError {
    let mut quoted = names.split('`').step_by(2);
    let name = quoted.next().unwrap_or_default();
    let key = match parent {
        "" => name.to_owned(),
        parent => format!("{parent}.{name}"),
    };
    SettingsError::Unknown { key, nearest: closest_match(name, quoted).map(str::to_owned) }
}

/// Returns serde's message about a value that is none of the allowed ones, which lists them. The
/// `config` crate leaves them out, so the value is set in the defaults and these are read again.
fn allowed_values<S: Settings>(key: &str, given: &str) -> Option<String> {
    let mut defaults = toml::Value::try_from(S::default()).ok()?;
    let mut value = &mut defaults;
    for name in key.split('.') {
        value = value.as_table_mut()?.entry(name).or_insert_with(|| toml::Table::new().into());
    }
    *value = given.into();
    let error = S::deserialize(defaults).err()?;
    let (_, allowed) = error.message().split_once(", expected ")?;
    Some(format!("is `{given}`; it must be {allowed}"))
}

/// Describes a value of another type in the words of a settings file. `problem` is `invalid type:
/// VALUE, expected TYPE`.
fn wrong_type(problem: &str) -> Option<String> {
    let (given, expected) = problem.strip_prefix("invalid type: ")?.rsplit_once(", expected ")?;
    let expected = match expected {
        "a boolean" => "`true` or `false`",
        "an unsigned 8 bit integer" => "a whole number from 0 to 255",
        "an unsigned 16 bit integer" => "a whole number from 0 to 65535",
        "an unsigned 32 bit integer" => "a whole number from 0 to 4294967295",
        expected if expected.contains("integer") => "a whole number, 0 or more",
        _ => return None,
    };
    let given = ["string ", "64-bit integer ", "64-bit unsigned integer ", "floating point "]
        .iter()
        .find_map(|kind| given.strip_prefix(kind))
        .unwrap_or(given);
    Some(format!("is {}; it must be {expected}", given.replace('"', "`")))
}

/// Returns the variables that look like settings of this server, but begin with one underscore
/// after `GATEPASS`, each with the right name. They are ignored. Variables that Kubernetes sets for
/// a service named `gatepass-auth-server` have no double underscore.
pub(crate) fn misspelled_variables(
    service: &str,
    names: impl Iterator<Item = String>,
) -> Vec<(String, String)> {
    let right = format!("{}__", prefix_of(service));
    let wrong = right.replacen("__", "_", 1);
    let renamed = |name: String| {
        let meant = format!("{right}{}", name.strip_prefix(&wrong)?);
        Some((name, meant))
    };
    names.filter_map(renamed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    use crate::{SecretSetting, comma_list};

    #[derive(Debug, Default, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Sample {
        issuer: String,
        seconds: u64,
        small: u8,
        #[serde(deserialize_with = "comma_list")]
        names: Vec<String>,
        client_secret: Option<SecretSetting>,
        endpoint: Option<Url>,
        log: LogSettings,
    }

    impl Settings for Sample {
        const SERVICE: &'static str = "service-a";
        const SHORT_VARIABLES: &'static [(&'static str, &'static str)] =
            &[("GATEPASS_FILTER", "log.filter")];

        fn profile(&self) -> Profile {
            Profile::Demo
        }

        fn listen(&self) -> &str {
            "127.0.0.1:0"
        }

        fn manage_listen(&self) -> &str {
            ""
        }

        fn log(&self) -> &LogSettings {
            &self.log
        }

        fn unsafe_settings(&self) -> Vec<UnsafeSetting> {
            Vec::new()
        }

        fn validate(&self) -> anyhow::Result<()> {
            Ok(())
        }
    }

    fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// Settings below all sources.
    fn below() -> Sample {
        let below = || "below".to_owned();
        Sample { issuer: below(), names: vec![below()], ..Sample::default() }
    }

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
    fn numeric_looking_strings_stay_strings() {
        let environment = environment(&[
            ("GATEPASS__SERVICE_A__ISSUER", "007"),
            ("GATEPASS__SERVICE_A__NAMES", "a, b"),
        ]);
        let read: Sample = load(&Sources { environment, ..Sources::default() }).unwrap();
        assert_eq!((read.issuer.as_str(), read.names.len()), ("007", 2));
    }

    #[test]
    fn empty_environment_value_counts_as_unset_and_empty_file_value_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.toml");
        std::fs::write(&file, "issuer = \"\"\nseconds = 1\n").unwrap();
        let environment = environment(&[
            ("GATEPASS__SERVICE_A__SECONDS", ""),
            ("GATEPASS__SERVICE_A__NAMES", ""),
            ("GATEPASS__SERVICE_A__CLIENT_SECRET", ""),
            ("GATEPASS__SERVICE_A__LOG__FILTER", ""),
            ("GATEPASS__SERVICE_A__UNKNOWN", ""),
            ("GATEPASS__UNKNOWN__SETTING", ""),
        ]);
        let sources = Sources { file: Some(file), environment, ..Sources::default() };
        let read: Sample = load_over(&below(), &sources).unwrap();
        assert_eq!((read.issuer.as_str(), read.seconds), ("", 1), "the file sets an empty string");
        assert_eq!(read.names, ["below"]);
        assert!(read.client_secret.is_none());
        assert_eq!(read.log.filter, LogSettings::default().filter);
    }

    #[test]
    fn variable_with_a_short_name_sets_its_setting() {
        let filter = |pairs: &[(&str, &str)]| {
            let sources = Sources { environment: environment(pairs), ..Sources::default() };
            load::<Sample>(&sources).map(|read| read.log.filter).map_err(|error| error.to_string())
        };
        let short = ("GATEPASS_FILTER", "debug");
        assert_eq!(filter(&[short]), Ok("debug".to_owned()));
        let full = "GATEPASS__SERVICE_A__LOG__FILTER";
        assert_eq!(filter(&[short, (full, "")]), Ok("debug".to_owned()));
        assert_eq!(filter(&[("GATEPASS_FILTER", ""), (full, "info")]), Ok("info".to_owned()));
        let both = filter(&[short, (full, "info")]).unwrap_err();
        assert_eq!(both, format!("both GATEPASS_FILTER and {full} are set: use only one of them"));
    }

    #[test]
    fn unknown_setting_suggests_the_most_similar_one() {
        for (name, nearest) in [
            ("GATEPASS__SERVICE_A__ISUER", "did you mean `issuer`?"),
            ("GATEPASS__SERVICE_A__LOG__FROMAT", "`log.fromat`; did you mean `format`?"),
            ("GATEPASS__SERVICEA__ISSUER", "GATEPASS__SERVICE_A__"),
        ] {
            let sources =
                Sources { environment: environment(&[(name, "x")]), ..Sources::default() };
            let error = load::<Sample>(&sources).unwrap_err().to_string();
            assert!(error.contains(nearest), "{name}: {error}");
        }
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
    fn value_of_the_wrong_type_names_the_setting() {
        let sources = Sources { overrides: vec!["seconds=soon".to_owned()], ..Sources::default() };
        let error = load::<Sample>(&sources).unwrap_err().to_string();
        assert!(error.contains("seconds"), "{error}");
        let sources = Sources { overrides: vec!["seconds".to_owned()], ..Sources::default() };
        assert!(matches!(load::<Sample>(&sources), Err(SettingsError::NotAPair(_))));
    }

    #[test]
    fn wrong_value_is_explained_in_the_words_of_a_settings_file() {
        for (given, expected) in [
            ("log.format=jsno", "`log.format`: is `jsno`; it must be `pretty` or `json`"),
            ("seconds=-1", "`seconds`: is `-1`; it must be a whole number, 0 or more"),
            ("seconds=soon", "`seconds`: is `soon`; it must be a whole number, 0 or more"),
            ("small=256", "`small`: is `256`; it must be a whole number from 0 to 255"),
            ("endpoint=b", "`endpoint`: relative URL without a base: \"b\""),
        ] {
            let sources = Sources { overrides: vec![given.to_owned()], ..Sources::default() };
            assert_eq!(load::<Sample>(&sources).unwrap_err().to_string(), expected);
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.toml");
        std::fs::write(&file, "seconds = -1\n").unwrap();
        let error = load::<Sample>(&Sources { file: Some(file), ..Sources::default() });
        let error = error.unwrap_err().to_string();
        assert_eq!(error, "`seconds`: is `-1`; it must be a whole number, 0 or more");
    }

    #[test]
    fn variable_with_one_underscore_is_noticed() {
        let names = [
            "GATEPASS_SERVICE_A__LOG__FORMAT",
            "GATEPASS__SERVICE_A__LISTEN",
            "GATEPASS_SERVICE_A_PORT_9001_TCP",
            "GATEPASS_SERVICE_B__LISTEN",
        ];
        let found = misspelled_variables("service-a", names.map(str::to_owned).into_iter());
        let expected = ("GATEPASS_SERVICE_A__LOG__FORMAT", "GATEPASS__SERVICE_A__LOG__FORMAT");
        assert_eq!(found, [(expected.0.to_owned(), expected.1.to_owned())]);
    }

    #[test]
    fn toml_error_has_a_line_number_and_no_quote() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.toml");
        std::fs::write(&file, "seconds = 1\n[log]\nclient_secret = abc123\n").unwrap();
        let error = load::<Sample>(&Sources { file: Some(file), ..Sources::default() })
            .unwrap_err()
            .to_string();
        assert!(error.contains("a.toml: line 3: ") && !error.contains("abc123"), "{error}");
    }

    #[test]
    fn url_with_credentials_is_rejected_without_repeating_it() {
        for (setting, url) in [
            ("issuer", "https://user:hunter2@c.example"),
            ("issuer", "https://user:hunter2@c.example:99999"),
            ("issuer", "https:/hunter2@c.example"),
            ("endpoint", "https://user:hunter2@c.example:99999"),
            ("log.otlp_endpoint", "http://hunter2@collector:4318/v1/traces"),
        ] {
            let sources =
                Sources { overrides: vec![format!("{setting}={url}")], ..Sources::default() };
            let error = load::<Sample>(&sources).unwrap_err().to_string();
            assert!(
                error.contains(&format!("`{setting}`")) && !error.contains("hunter2"),
                "{error}"
            );
        }
        let path = Sources {
            overrides: vec!["issuer=https://c.example/@me?x=a@b".to_owned()],
            ..Sources::default()
        };
        assert!(load::<Sample>(&path).is_ok(), "an @ after the host is not a password");
    }

    #[test]
    fn secret_that_looks_like_a_url_with_a_password_is_accepted() {
        let secret = "client_secret=p@ss://x:y@z".to_owned();
        let sources = Sources { overrides: vec![secret.clone()], ..Sources::default() };
        let read: Sample = load(&sources).unwrap();
        assert_eq!(read.client_secret.unwrap().expose(), "p@ss://x:y@z");
        let overrides = vec![secret, "seconds=soon".to_owned()];
        let sources = Sources { overrides, ..Sources::default() };
        let error = load::<Sample>(&sources).unwrap_err().to_string();
        assert!(error.contains("seconds") && !error.contains("p@ss"), "{error}");
    }

    #[test]
    fn missing_file_is_named() {
        let sources = Sources { file: Some("/nowhere/a.toml".into()), ..Sources::default() };
        assert!(load::<Sample>(&sources).unwrap_err().to_string().contains("/nowhere/a.toml"));
    }
}
