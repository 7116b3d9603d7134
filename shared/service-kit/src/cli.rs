//! Shared parts of the servers' command lines: settings, `check-config`, `healthcheck`, exit codes.

mod service;

pub use service::{ServiceArguments, ServiceCommand, run_service, run_service_command};

use std::{ffi::OsString, io::Write, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context;
use clap::Args;

use crate::{
    HttpClientSettings, Settings, Sources, UnsafeSetting, ensure_safe_for_production,
    listen::local_connect_address, load, settings::PREFIX,
};

/// Arguments that select the settings.
#[derive(Clone, Debug, Default, Args)]
pub struct SettingsArgs {
    /// TOML file with settings
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Override one setting, with a dot in nested keys: `--set log.format=json` (repeatable)
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

impl SettingsArgs {
    /// Loads the settings of a server from defaults, file, environment and flags.
    ///
    /// # Errors
    /// Returns an error if a setting is unknown or has a wrong value.
    pub fn load<S: Settings>(&self) -> anyhow::Result<S> {
        let environment = utf8_variables(std::env::vars_os())?;
        let sources = Sources {
            file: self.config.clone(),
            environment,
            overrides: self.set.clone(),
            ..Sources::default()
        };
        load(&sources).with_context(|| format!("invalid settings of {}", S::SERVICE))
    }
}

/// Returns the variables that are UTF-8. A name that is not UTF-8 cannot be one of our settings. A
/// setting whose value is not UTF-8 is an error, because ignoring it would apply the default.
fn utf8_variables(
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> anyhow::Result<Vec<(String, String)>> {
    let mut utf8 = Vec::new();
    for (name, value) in variables {
        let Ok(name) = name.into_string() else { continue };
        match value.into_string() {
            Ok(value) => utf8.push((name, value)),
            Err(_) if name.starts_with(PREFIX) => {
                anyhow::bail!("the environment variable {name} is not UTF-8")
            }
            Err(_) => (),
        }
    }
    Ok(utf8)
}

/// Runs `check-config`: prints the effective settings without secrets, and every unsafe one.
///
/// # Errors
/// Returns an error if `serve` would refuse to start with these settings.
pub fn check_config<S: Settings>(settings: &S) -> anyhow::Result<()> {
    let (unsafe_settings, validated) = (settings.unsafe_settings(), settings.validate());
    print_line(render_config(settings, &unsafe_settings, &validated)?)?;
    ensure_safe_for_production(settings.profile(), &unsafe_settings).map_err(anyhow::Error::msg)?;
    validated
}

/// Prints a line to standard output.
///
/// # Errors
/// Returns an error if the reader has closed the pipe.
pub fn print_line(text: impl std::fmt::Display) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}

/// Returns what `check-config` prints: the effective settings as TOML without secrets, and every
/// unsafe one as a comment.
///
/// # Errors
/// Returns an error if the settings cannot be written as TOML.
pub fn render_config<S: Settings>(
    settings: &S,
    unsafe_settings: &[UnsafeSetting],
    validated: &anyhow::Result<()>,
) -> anyhow::Result<String> {
    let effective = toml::to_string_pretty(settings)?;
    let mut text = format!("# effective settings of {}\n{effective}", S::SERVICE);
    match validated {
        Err(error) => text.push_str(&format!("\n# the server cannot start: {error:#}\n")),
        Ok(()) if unsafe_settings.is_empty() => {
            text.push_str("\n# all settings are safe for production\n");
        }
        Ok(()) => (),
    }
    if !unsafe_settings.is_empty() {
        text.push_str("\n# unsafe for production:\n");
    }
    for UnsafeSetting { setting, problem, remedy } in unsafe_settings {
        text.push_str(&format!("#   {setting}: {problem}; {remedy}\n"));
    }
    Ok(text)
}

/// Runs `healthcheck`: requests `/readyz` at the management listener of the server on this machine.
/// For container images without a shell or curl.
///
/// # Errors
/// Returns an error if the management listener is off, or if the server does not respond within 3
/// seconds or is not ready.
pub async fn healthcheck<S: Settings>(settings: &S) -> anyhow::Result<()> {
    let listen = settings.manage_listen();
    anyhow::ensure!(
        !listen.is_empty(),
        "the setting `manage_listen` is off; set it for the server and for this command, to 127.0.0.1:9100 for example"
    );
    let address =
        local_connect_address(listen).context("the setting `manage_listen` must be host:port")?;
    let url = format!("http://{address}/readyz");
    let timeout = HttpClientSettings::default().timeout.min(Duration::from_secs(3));
    let client =
        reqwest::Client::builder().tls_certs_only([]).timeout(timeout).no_proxy().build()?;
    let response =
        client.get(&url).send().await.with_context(|| format!("no response from {url}"))?;
    let status = response.status();
    let body = response.text().await.unwrap_or_default();
    anyhow::ensure!(status.is_success(), "{url} responded with status {status}: {body}");
    Ok(())
}

/// Returns the exit code of a command, and prints its error to standard error in one line.
#[expect(
    clippy::print_stderr,
    reason = "the process may have failed before logging was initialized"
)]
pub fn exit_code(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a command on a multi-threaded runtime.
///
/// # Errors
/// Returns the error of the command, or one if the runtime cannot start its threads.
pub fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(future)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn non_utf8_setting_is_an_error_and_other_variables_are_ignored() {
        let invalid = || OsString::from_vec(b"production\xa0".to_vec());
        let valid = ("GATEPASS__SERVICE_B__MODE".into(), "local".into());
        let others = [("PATH".into(), invalid()), (invalid(), "x".into()), valid];
        let utf8 = utf8_variables(others.into_iter()).unwrap();
        assert_eq!(utf8, [("GATEPASS__SERVICE_B__MODE".to_owned(), "local".to_owned())]);
        let ours = [("GATEPASS__AUTH_SERVER__PROFILE".into(), invalid())];
        let error = utf8_variables(ours.into_iter()).unwrap_err().to_string();
        assert!(
            error.contains("GATEPASS__AUTH_SERVER__PROFILE") && !error.contains("production"),
            "{error}"
        );
    }
}
