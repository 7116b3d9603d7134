//! Settings of the environment, as each server alone would read them.

use anyhow::Context;
use auth_server::AuthServerSettings;
use service_kit::{Settings, Sources, load_over};

use super::StackSettings;

const PREFIX: &str = "GATEPASS__";
const PREFIX_OF_B: &str = "GATEPASS__SERVICE_B__";
/// What distinguishes the two Bs. The variables of these settings configure only the B that
/// verifies locally.
const OF_LOCAL_B: [&str; 4] = ["LISTEN", "MANAGE_LISTEN", "MODE", "RESOURCE"];

/// Returns the settings, overridden by those of the environment.
///
/// # Errors
/// Returns an error if a setting is unknown or invalid.
fn with_environment<S: Settings + Clone>(
    base: &S,
    environment: &[(String, String)],
) -> anyhow::Result<S> {
    if environment.is_empty() {
        return Ok(base.clone());
    }
    let sources = Sources { environment: environment.to_vec(), ..Sources::default() };
    load_over(base, &sources).with_context(|| format!("the settings of {}", S::SERVICE))
}

impl StackSettings {
    /// Overrides the settings of all servers with those of `environment`: before the servers bind,
    /// and again where they learn one another's addresses.
    ///
    /// # Errors
    /// Returns an error if a setting is unknown or invalid.
    pub fn with_environment(mut self, environment: Vec<(String, String)>) -> anyhow::Result<Self> {
        let is_ours = |name: &str| {
            let mut short = AuthServerSettings::SHORT_VARIABLES.iter();
            name.to_ascii_uppercase().starts_with(PREFIX) || short.any(|(short, _)| *short == name)
        };
        self.environment = environment.into_iter().filter(|(name, _)| is_ours(name)).collect();
        self.apply_environment_to_c()?;
        self.apply_environment_to_bs()?;
        self.apply_environment_to_a()?;
        self.apply_environment_to_viewer()?;
        Ok(self)
    }

    pub(super) fn apply_environment_to_c(&mut self) -> anyhow::Result<()> {
        self.auth_server = with_environment(&self.auth_server, &self.environment)?;
        Ok(())
    }

    pub(super) fn apply_environment_to_bs(&mut self) -> anyhow::Result<()> {
        self.b_local = with_environment(&self.b_local, &self.environment)?;
        let environment: Vec<_> =
            self.environment.iter().filter(|(name, _)| !is_of_local_b(name)).cloned().collect();
        self.b_introspection = with_environment(&self.b_introspection, &environment)?;
        Ok(())
    }

    pub(super) fn apply_environment_to_a(&mut self) -> anyhow::Result<()> {
        self.service_a = with_environment(&self.service_a, &self.environment)?;
        Ok(())
    }

    pub(super) fn apply_environment_to_viewer(&mut self) -> anyhow::Result<()> {
        self.flow_viewer = with_environment(&self.flow_viewer, &self.environment)?;
        Ok(())
    }
}

/// The loader ignores the case of names, too.
fn is_of_local_b(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name.strip_prefix(PREFIX_OF_B).is_some_and(|setting| OF_LOCAL_B.contains(&setting))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use service_kit::SecretSetting;

    use super::*;

    fn demo_with(environment: &[(&str, &str)]) -> StackSettings {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let environment = environment.iter().map(owned).collect();
        StackSettings::demo(Path::new("data")).with_environment(environment).unwrap()
    }

    #[test]
    fn settings_of_the_listeners_of_b_configure_the_local_one() {
        let settings = demo_with(&[
            ("GATEPASS__SERVICE_B__LISTEN", "127.0.0.3:0"),
            ("gatepass__service_b__resource", "https://b.example/api"),
        ]);
        let (local, other) = (settings.b_local, settings.b_introspection);
        assert_eq!((&*local.listen, &*local.resource), ("127.0.0.3:0", "https://b.example/api"));
        assert_eq!((&*other.listen, &*other.resource), ("127.0.0.1:9003", "http://localhost:9003"));
    }

    #[test]
    fn environment_keeps_secrets_that_the_code_sets() {
        let mut settings = StackSettings::demo(Path::new("data"));
        settings.service_a.client_secret = Some(SecretSetting::new("the secret"));
        let environment = [("GATEPASS__SERVICE_A__LOG__FILTER", "info")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = settings.with_environment(environment.to_vec()).unwrap();
        assert_eq!(settings.service_a.log.filter, "info");
        assert_eq!(settings.service_a.client_secret.unwrap().expose(), "the secret");
    }
}
