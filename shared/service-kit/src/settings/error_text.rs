//! Error texts of the `config` crate and of TOML, in the words of a settings file.

use config::ConfigError;
use oauth_types::closest_match;

use super::{Settings, SettingsError};

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

/// Converts the message of the `config` crate, which ends with the key of the value: ``unknown
/// field `fromat`, expected one of `format`, `filter` for key `log` ``.
pub(super) fn explain<S: Settings>(error: &ConfigError) -> SettingsError {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Sources, load, sample::Sample};

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
    fn toml_error_has_a_line_number_and_no_quote() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.toml");
        std::fs::write(&file, "seconds = 1\n[log]\nclient_secret = abc123\n").unwrap();
        let error = load::<Sample>(&Sources { file: Some(file), ..Sources::default() })
            .unwrap_err()
            .to_string();
        assert!(error.contains("a.toml: line 3: ") && !error.contains("abc123"), "{error}");
    }
}
