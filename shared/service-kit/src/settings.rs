use std::path::{Path, PathBuf};

use config::{Config, ConfigError, Environment, File, FileFormat, Value, ValueKind};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use url::Url;

use crate::{Profile, UnsafeSetting, telemetry::LogSettings};

/// The settings of one service. Every struct in it denies unknown fields and has a default for
/// each.
pub trait Settings: DeserializeOwned + Serialize + Default {
    /// The service's name, as its binary is called.
    const SERVICE: &'static str;

    /// The settings that are hidden as a whole wherever settings are shown, so that a password may
    /// stand in their URLs.
    const SECRET_URL_SETTINGS: &'static [&'static str] = &[];

    /// What the process is for.
    fn profile(&self) -> Profile;

    /// Where it serves its health, as `host:port`, and the certificates that it serves there, if it
    /// does so over TLS.
    fn listener(&self) -> (&str, Option<&Path>);

    /// How it logs.
    fn log(&self) -> &LogSettings;

    /// Every setting that production would refuse.
    fn unsafe_settings(&self) -> Vec<UnsafeSetting>;

    /// Make of the settings all that is made before serving, and drop it again: what `check-config`
    /// calls good, `serve` can begin with.
    ///
    /// # Errors
    /// What cannot be used in any profile.
    fn validate(&self) -> anyhow::Result<()>;
}

/// Where settings come from, the later ones winning: defaults, those below, this file, the
/// environment, these overrides.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Other defaults, as TOML.
    pub base: Option<String>,
    /// A TOML file.
    pub file: Option<PathBuf>,
    /// The environment as names and values, so that a test can bring its own.
    pub environment: Vec<(String, String)>,
    /// `key=value` of the command line; nested keys with a dot.
    pub overrides: Vec<String>,
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A key that no setting has.
    #[error("unknown setting `{key}`{}", nearest.as_deref().map(|name| format!(": did you mean `{name}`?")).unwrap_or_default())]
    Unknown {
        /// The key as it was written.
        key: String,
        /// The key that was probably meant.
        nearest: Option<String>,
    },
    /// An override without `=`.
    #[error("`--set {0}` is not of the form key=value")]
    NotAPair(String),
    /// A URL with a user name or a password in it.
    #[error(
        "the setting `{0}` is a URL with a user name or a password inside, which every log and `check-config` would show: leave them out"
    )]
    Credentials(String),
    /// A value of the wrong kind, or a file that cannot be read.
    #[error("{0}")]
    Invalid(String),
}

/// The services that may stand in the environment as `GATEPASS__SERVICE__KEY`. The doubled
/// underscore keeps these names apart from `GATEPASS_PORT` and its like, which Kubernetes invents
/// for a service called `gatepass`.
const SERVICES: [&str; 4] = ["auth-server", "service-a", "service-b", "flow-viewer"];
pub(crate) const PREFIX: &str = "GATEPASS__";

/// Read the settings of a service.
///
/// # Errors
/// [`SettingsError`] naming the key that is unknown or wrong.
pub fn load<S: Settings>(sources: &Sources) -> Result<S, SettingsError> {
    refuse_unknown_services(&sources.environment)?;
    let mut builder = Config::builder();
    if let Some(base) = &sources.base {
        builder = builder.add_source(File::from_str(base, FileFormat::Toml));
    }
    if let Some(file) = &sources.file {
        builder = builder.add_source(File::from_str(&read(file)?, FileFormat::Toml));
    }
    builder = builder.add_source(environment_of(S::SERVICE, &sources.environment));
    for pair in &sources.overrides {
        let (key, value) =
            pair.split_once('=').ok_or_else(|| SettingsError::NotAPair(pair.clone()))?;
        builder = builder.set_override(key, value).map_err(|error| explain(&error))?;
    }
    let config = builder.build().map_err(|error| explain(&error))?;
    if let Some(setting) = with_credentials("", &config.cache, S::SECRET_URL_SETTINGS) {
        return Err(SettingsError::Credentials(setting));
    }
    config.try_deserialize().map_err(|error| explain(&error))
}

/// The text of a file that is TOML. The parser's own message quotes the line, which may be the one
/// with a secret.
fn read(file: &Path) -> Result<String, SettingsError> {
    let refused = |reason: String| SettingsError::Invalid(format!("{}: {reason}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| refused(error.to_string()))?;
    match toml::from_str::<toml::Table>(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(refused(describe_toml_error(&text, &error))),
    }
}

/// What is wrong with a TOML text, and in which line. Neither that line nor the value is quoted: it
/// may be a secret.
#[must_use]
pub fn describe_toml_error(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before
        .map(|before| format!("line {}: ", before.matches('\n').count() + 1))
        .unwrap_or_default();
    let message = error.message();
    let quotes_the_value = ["invalid type: ", "invalid value: ", "unknown variant "];
    // Of a value that holds these words too, the last ones are the parser's.
    match message.rsplit_once(", expected ") {
        Some((found, expected))
            if quotes_the_value.iter().any(|words| found.starts_with(words)) =>
        {
            format!("{line}a value of the wrong kind, expected {expected}")
        }
        _ => format!("{line}{message}"),
    }
}

/// The first setting whose value is a URL with credentials, also if it is no good URL otherwise.
fn with_credentials(key: &str, value: &Value, hidden: &[&str]) -> Option<String> {
    match &value.kind {
        ValueKind::String(text) => {
            (has_credentials(text) && !hidden.contains(&key)).then(|| key.to_owned())
        }
        ValueKind::Array(items) => {
            items.iter().find_map(|item| with_credentials(key, item, hidden))
        }
        ValueKind::Table(table) => table.iter().find_map(|(name, value)| {
            let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
            with_credentials(&key, value, hidden)
        }),
        _ => None,
    }
}

fn has_credentials(text: &str) -> bool {
    let written = text.split_once("://").and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
    written.is_some_and(|authority| authority.contains('@'))
        || Url::parse(text).is_ok_and(|url| !url.username().is_empty() || url.password().is_some())
}

/// Read a list that may also be written as one text with commas, as the environment has no lists.
///
/// # Errors
/// When it is neither a list of texts nor a text.
pub fn comma_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum ListOrText {
        List(Vec<String>),
        Text(String),
    }
    Ok(match ListOrText::deserialize(deserializer)? {
        ListOrText::List(list) => list,
        ListOrText::Text(text) => text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect(),
    })
}

fn environment_of(service: &str, environment: &[(String, String)]) -> Environment {
    let prefix = format!("{PREFIX}{}", service.to_uppercase().replace('-', "_"));
    // Values stay texts until a field asks for a number: a secret such as `007` must not become 7.
    Environment::with_prefix(&prefix)
        .prefix_separator("__")
        .separator("__")
        .source(Some(environment.iter().cloned().collect()))
}

fn refuse_unknown_services(environment: &[(String, String)]) -> Result<(), SettingsError> {
    let known =
        SERVICES.map(|service| format!("{PREFIX}{}__", service.to_uppercase().replace('-', "_")));
    for (name, _) in environment.iter().filter(|(name, _)| name.starts_with(PREFIX)) {
        if !known.iter().any(|prefix| name.starts_with(prefix)) {
            let nearest = nearest(name, known.iter().map(String::as_str))
                .map(|prefix| format!("{prefix}..."));
            return Err(SettingsError::Unknown { key: name.clone(), nearest });
        }
    }
    Ok(())
}

/// Serde names the unknown key and all known ones: ``unknown field `lisen`, expected one of
/// `listen`, `issuer` ``.
fn explain(error: &ConfigError) -> SettingsError {
    let text = error.to_string();
    let Some((_, after)) = text.split_once("unknown field `") else {
        return SettingsError::Invalid(text);
    };
    let mut quoted = after.split('`').step_by(2);
    let key = quoted.next().unwrap_or_default().to_owned();
    let nearest = nearest(&key, quoted).map(str::to_owned);
    SettingsError::Unknown { key, nearest }
}

fn nearest<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|name| (strsim::jaro_winkler(wanted, name), name))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Sample {
        issuer: String,
        seconds: u64,
        #[serde(deserialize_with = "comma_list")]
        names: Vec<String>,
        log: LogSettings,
    }

    impl Settings for Sample {
        const SERVICE: &'static str = "service-a";

        fn profile(&self) -> Profile {
            Profile::Demo
        }

        fn listener(&self) -> (&str, Option<&Path>) {
            ("127.0.0.1:0", None)
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

    #[test]
    fn a_flag_beats_the_environment_which_beats_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.toml");
        std::fs::write(&file, "issuer = \"file\"\nseconds = 1\nnames = [\"x\"]\n").unwrap();
        let sources = Sources {
            file: Some(file),
            environment: environment(&[
                ("GATEPASS__SERVICE_A__ISSUER", "environment"),
                ("GATEPASS__SERVICE_A__SECONDS", "2"),
                ("GATEPASS__SERVICE_B__ISSUER", "not ours"),
                ("GATEPASS__FLOW_VIEWER__LISTEN", "not ours either"),
            ]),
            overrides: vec!["seconds=3".to_owned()],
            base: Some("issuer = \"below\"\nnames = [\"below\"]\n".to_owned()),
        };
        let read: Sample = load(&sources).unwrap();
        assert_eq!(
            (read.issuer.as_str(), read.seconds, read.names),
            ("environment", 3, vec!["x".to_owned()])
        );
        let base = Sources { base: sources.base, ..Sources::default() };
        assert_eq!(load::<Sample>(&base).unwrap().names, ["below"]);
    }

    #[test]
    fn a_text_that_looks_like_a_number_stays_as_it_was_written() {
        let environment = environment(&[
            ("GATEPASS__SERVICE_A__ISSUER", "007"),
            ("GATEPASS__SERVICE_A__NAMES", "a, b"),
        ]);
        let read: Sample = load(&Sources { environment, ..Sources::default() }).unwrap();
        assert_eq!((read.issuer.as_str(), read.names.len()), ("007", 2));
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_the_nearest() {
        for (name, nearest) in [
            ("GATEPASS__SERVICE_A__ISUER", "did you mean `issuer`?"),
            ("GATEPASS__SERVICE_A__LOG__FROMAT", "did you mean `format`?"),
            ("GATEPASS__SERVICEA__ISSUER", "GATEPASS__SERVICE_A__"),
        ] {
            let sources =
                Sources { environment: environment(&[(name, "x")]), ..Sources::default() };
            let error = load::<Sample>(&sources).unwrap_err().to_string();
            assert!(error.contains(nearest), "{name}: {error}");
        }
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_named() {
        let sources = Sources { overrides: vec!["seconds=soon".to_owned()], ..Sources::default() };
        let error = load::<Sample>(&sources).unwrap_err().to_string();
        assert!(error.contains("seconds"), "{error}");
        let sources = Sources { overrides: vec!["seconds".to_owned()], ..Sources::default() };
        assert!(matches!(load::<Sample>(&sources), Err(SettingsError::NotAPair(_))));
    }

    #[test]
    fn a_file_that_is_no_toml_is_named_by_its_line_and_nothing_of_it_is_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.toml");
        std::fs::write(&file, "seconds = 1\n[log]\nclient_secret = abc123\n").unwrap();
        let error = load::<Sample>(&Sources { file: Some(file), ..Sources::default() })
            .unwrap_err()
            .to_string();
        assert!(error.contains("a.toml: line 3: ") && !error.contains("abc123"), "{error}");
    }

    #[test]
    fn a_url_with_a_password_is_refused_wherever_it_stands_and_not_shown() {
        for (setting, url) in [
            ("issuer", "https://user:hunter2@c.example"),
            ("issuer", "https://user:hunter2@c.example:99999"),
            ("issuer", "https:/hunter2@c.example"),
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
        assert!(load::<Sample>(&path).is_ok(), "an at sign behind the host is no password");
    }

    #[test]
    fn a_body_limit_over_64_kib_is_refused() {
        let limit = |bytes: u32| {
            serde_json::from_value::<crate::Limits>(serde_json::json!({ "body_bytes": bytes }))
        };
        assert!(
            limit(65_536).is_ok()
                && limit(65_537).unwrap_err().to_string().contains("at most 65536")
        );
    }

    #[test]
    fn a_missing_file_is_named() {
        let sources = Sources { file: Some("/nowhere/a.toml".into()), ..Sources::default() };
        assert!(load::<Sample>(&sources).unwrap_err().to_string().contains("/nowhere/a.toml"));
    }
}
