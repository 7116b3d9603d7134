use serde::Serialize;

/// Longer values are cut off where they are shown.
const SHOWN_CHARS: usize = 300;

/// What does not fit, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// What was compared with what.
    pub compared: String,
    /// What it should be.
    pub expected: String,
    /// What it is.
    pub found: String,
    /// What to change.
    pub change: Change,
}

/// What to change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The setting by its TOML name; none where no setting of ours mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setting: Option<String>,
    /// The same setting in the environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// How.
    pub advice: String,
}

/// How the settings are called that a check speaks of: whose they are, and below which key they
/// stand.
#[derive(Clone, Debug)]
pub struct SettingNames {
    service: &'static str,
    below: String,
}

impl Diagnosis {
    /// What was compared, what it should be, what it is, and what to change.
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
    /// Something that is no setting of ours.
    pub fn elsewhere(advice: impl Into<String>) -> Self {
        Self { setting: None, environment: None, advice: advice.into() }
    }

    /// A setting of some service.
    pub fn of(
        service: &'static str,
        setting: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        SettingNames::of(service).change(&setting.into(), advice)
    }
}

impl SettingNames {
    /// The settings of a service.
    #[must_use]
    pub fn of(service: &'static str) -> Self {
        Self { service, below: String::new() }
    }

    /// Those below a key: `providers.google`.
    #[must_use]
    pub fn below(service: &'static str, key: impl Into<String>) -> Self {
        Self { service, below: format!("{}.", key.into()) }
    }

    /// The whole name of a setting.
    #[must_use]
    pub fn name(&self, key: &str) -> String {
        format!("{}{key}", self.below)
    }

    /// A change of that setting.
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

/// What others sent is shown in one line, in characters that do nothing to a terminal, and not at
/// any length.
pub(crate) fn printable(text: &str) -> String {
    let mut plain: String =
        text.chars().take(SHOWN_CHARS).map(|c| if c.is_control() { '?' } else { c }).collect();
    if text.chars().nth(SHOWN_CHARS).is_some() {
        plain.push('…');
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_named_as_the_file_and_as_the_environment_have_it() {
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
    fn what_others_sent_cannot_move_the_cursor_or_fill_the_screen() {
        let shown = printable(&format!("a\u{1b}[2Jb\n{}", "x".repeat(1_000)));
        assert!(
            shown.starts_with("a?[2Jb?") && shown.chars().count() == SHOWN_CHARS + 1,
            "{shown}"
        );
    }
}
