//! Settings in environment variables.

use config::Environment;
use oauth_types::closest_match;

use super::{Settings, SettingsError};

/// Servers whose settings may be environment variables `GATEPASS__SERVER__KEY`. The double
/// underscore distinguishes them from variables such as `GATEPASS_PORT`, which Kubernetes sets for
/// a service named `gatepass`.
const SERVICES: [&str; 4] = ["auth-server", "service-a", "service-b", "flow-viewer"];
pub(super) const PREFIX: &str = "GATEPASS__";

/// Replaces the short names of variables by those that name the setting.
pub(super) fn with_full_names<S: Settings>(
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

pub(super) fn environment_of(service: &str, environment: Vec<(String, String)>) -> Environment {
    let prefix = prefix_of(service);
    // Values stay strings until a field deserializes a number: a secret such as `007` must not
    // become 7.
    Environment::with_prefix(&prefix)
        .prefix_separator("__")
        .separator("__")
        .source(Some(environment.into_iter().collect()))
}

pub(super) fn reject_unknown_servers(
    environment: &[(String, String)],
) -> Result<(), SettingsError> {
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
    use crate::{
        settings::{
            Sources, load, load_over,
            sample::{Sample, below, environment},
        },
        telemetry::LogSettings,
    };

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
}
