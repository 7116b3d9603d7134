//! URLs with a user name or a password, which must not be printed.

use config::{ConfigError, Value};
use url::Url;

use super::{Settings, SettingsError, error_text::explain};

/// Rejects settings that would print a password. Serialized settings are what `check-config`
/// prints: secrets are hidden in them, so a secret that looks like a URL is accepted.
pub(super) fn reject_credentials<S: Settings>(settings: &S) -> Result<(), SettingsError> {
    let printed = toml::Value::try_from(settings)
        .map_err(|error| SettingsError::Invalid(error.to_string()))?;
    match urls_with_credentials("", &printed).into_iter().next() {
        Some((setting, _)) => Err(SettingsError::Credentials(setting)),
        None => Ok(()),
    }
}

/// Explains why a setting cannot be used. The `config` crate quotes some values. If it quotes a URL
/// with credentials, the error names the setting instead.
pub(super) fn explain_without_password<S: Settings>(
    error: &ConfigError,
    given: Value,
) -> SettingsError {
    let (text, given) = (error.to_string(), given.try_deserialize::<toml::Value>());
    let found = given.map(|given| urls_with_credentials("", &given)).unwrap_or_default();
    match found.into_iter().find(|(_, url)| text.contains(url)) {
        Some((setting, _)) => SettingsError::Credentials(setting),
        None => explain::<S>(error),
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

#[cfg(test)]
mod tests {
    use crate::settings::{Sources, load, sample::Sample};

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
}
