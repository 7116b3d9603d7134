use serde::Serialize;

/// Values are truncated to this many characters in the output.
const MAX_CHARS: usize = 300;

/// What is wrong, and what to change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// The two things that were compared.
    pub compared: String,
    /// The expected value.
    pub expected: String,
    /// The actual value.
    pub found: String,
    /// The change to make.
    pub change: Change,
}

/// A change that solves a problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The setting in the TOML file. `None` if the change is not in our settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setting: Option<String>,
    /// The same setting as an environment variable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// What to do.
    pub advice: String,
}

/// Names of a server's settings, or of those in one of its tables, for messages.
#[derive(Clone, Debug)]
pub struct SettingNames {
    service: &'static str,
    prefix: String,
}

impl Diagnosis {
    /// Describes a mismatch of `compared`.
    pub fn new(
        compared: impl Into<String>,
        expected: impl AsRef<str>,
        found: impl AsRef<str>,
        change: Change,
    ) -> Self {
        Self {
            compared: compared.into(),
            expected: printable(expected.as_ref()),
            found: printable(found.as_ref()),
            change,
        }
    }
}

impl Change {
    /// A change outside of our settings.
    pub fn elsewhere(advice: impl Into<String>) -> Self {
        Self { setting: None, environment: None, advice: advice.into() }
    }

    /// A change of a setting of `service`.
    pub fn of(
        service: &'static str,
        setting: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        SettingNames::of(service).change(&setting.into(), advice)
    }
}

impl SettingNames {
    /// The settings of a server.
    #[must_use]
    pub fn of(service: &'static str) -> Self {
        Self { service, prefix: String::new() }
    }

    /// The settings in a table, such as `providers.google`.
    #[must_use]
    pub fn below(service: &'static str, key: impl Into<String>) -> Self {
        Self { service, prefix: format!("{}.", key.into()) }
    }

    /// Returns the full name of a setting.
    #[must_use]
    pub fn name(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// Returns a change of that setting.
    pub fn change(&self, key: &str, advice: impl Into<String>) -> Change {
        let setting = self.name(key);
        let upper = |text: &str| text.to_uppercase().replace('-', "_");
        let environment = format!(
            "GATEPASS__{}__{}",
            upper(self.service),
            setting.to_uppercase().replace('.', "__")
        );
        Change { setting: Some(setting), environment: Some(environment), advice: advice.into() }
    }
}

/// Makes text from other servers safe for the output: one line, no control characters, which could
/// manipulate a terminal, and truncated.
pub(crate) fn printable(text: &str) -> String {
    let mut plain: String =
        text.chars().take(MAX_CHARS).map(|c| if c.is_control() { '?' } else { c }).collect();
    if text.chars().nth(MAX_CHARS).is_some() {
        plain.push('…');
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_has_a_toml_and_an_environment_name() {
        let change = SettingNames::of("auth-server").change("tls.cert_file", "renew it");
        assert_eq!(change.setting.as_deref(), Some("tls.cert_file"));
        assert_eq!(change.environment.as_deref(), Some("GATEPASS__AUTH_SERVER__TLS__CERT_FILE"));
        let change = SettingNames::below("service-a", "providers.google").change("issuer", "");
        assert_eq!(
            change.environment.as_deref(),
            Some("GATEPASS__SERVICE_A__PROVIDERS__GOOGLE__ISSUER")
        );
    }

    #[test]
    fn control_characters_are_replaced_and_long_text_is_truncated() {
        let text = printable(&format!("a\u{1b}[2Jb\n{}", "x".repeat(1_000)));
        assert!(text.starts_with("a?[2Jb?") && text.chars().count() == MAX_CHARS + 1, "{text}");
    }
}
