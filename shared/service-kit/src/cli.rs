//! Shared parts of the servers' command lines: settings, `check-config`, `healthcheck`, exit codes.

mod language;
mod service;

pub use language::{Translate, pad, print_message, set_translation, translated, width};
pub use service::{ServiceArguments, ServiceCommand, run_service, run_service_command};

use std::{
    ffi::OsString,
    io::{ErrorKind, Write},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use anyhow::Context;
use clap::Args;

use crate::{
    HttpClientSettings, Settings, Sources, UnsafeSetting, ensure_safe_for_production,
    listen::local_connect_address, load, settings::misspelled_variables, telemetry::logs_json,
};

/// What the names of our variables begin with, also the short ones.
const BRAND: &str = "GATEPASS_";

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
        let sources = Sources {
            file: self.config.clone(),
            environment: environment()?,
            overrides: self.set.clone(),
        };
        load(&sources).with_context(|| format!("invalid settings of {}", S::SERVICE))
    }
}

/// Returns the variables of this process, for [`Sources::environment`].
///
/// # Errors
/// Returns an error if the value of a setting is not UTF-8.
pub fn environment() -> anyhow::Result<Vec<(String, String)>> {
    utf8_variables(std::env::vars_os())
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
            Err(_) if name.starts_with(BRAND) => {
                anyhow::bail!("the environment variable {name} is not UTF-8")
            }
            Err(_) => (),
        }
    }
    Ok(utf8)
}

/// Runs `check-config`: prints the effective settings without secrets, every unsafe one, and
/// warnings.
///
/// # Errors
/// Returns an error if `serve` would refuse to start with these settings.
pub fn check_config<S: Settings>(settings: &S) -> anyhow::Result<()> {
    let (unsafe_settings, validated) = (settings.unsafe_settings(), settings.validate());
    let safe = ensure_safe_for_production(settings.profile(), &unsafe_settings);
    let result = safe.map_err(anyhow::Error::msg).and(validated);
    // The error is printed once, by the caller.
    let comments = if result.is_ok() { Some(&unsafe_settings[..]) } else { None };
    print_line(render_config(settings, comments)?)?;
    result
}

/// Logs the warnings about settings ([`Settings::warnings`]), and the variables that are ignored,
/// at the start of a server.
pub fn log_warnings(service: &str, warnings: &[UnsafeSetting]) {
    for UnsafeSetting { setting, problem, remedy } in warnings {
        tracing::warn!(setting, problem, remedy, "a setting may be wrong");
    }
    for (variable, meant) in ignored_variables(service) {
        tracing::warn!(variable, meant, "an environment variable is ignored");
    }
}

/// Returns the variables of this process that look like settings of a server and are none, and what
/// each should be called.
fn ignored_variables(service: &str) -> Vec<(String, String)> {
    let set = std::env::vars_os().filter(|(_, value)| !value.is_empty());
    misspelled_variables(service, set.filter_map(|(name, _)| name.into_string().ok()))
}

/// The reader of standard output has closed it, as `head` does. The command has done its work.
#[derive(Debug, thiserror::Error)]
#[error("standard output is closed")]
struct OutputClosed;

/// Prints a line to standard output.
///
/// # Errors
/// Returns an error if the line cannot be written. If the reader has closed the pipe,
/// [`exit_code`] treats it as success.
pub fn print_line(text: impl std::fmt::Display) -> anyhow::Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(OutputClosed.into()),
        result => Ok(result?),
    }
}

/// Returns what `check-config` prints: the effective settings as TOML without secrets, and every
/// unsafe one and every warning as a comment. `unsafe_settings` is `None` if the settings cannot be
/// used.
///
/// # Errors
/// Returns an error if the settings cannot be written as TOML.
pub fn render_config<S: Settings>(
    settings: &S,
    unsafe_settings: Option<&[UnsafeSetting]>,
) -> anyhow::Result<String> {
    let effective = toml::to_string_pretty(settings)?;
    let mut text = comment("", &format!("effective settings of {}", S::SERVICE)) + &effective;
    text += "\n";
    text += &comment(
        "",
        match unsafe_settings {
            None => "the server cannot start with these settings",
            Some([]) => "all settings are safe for production",
            Some(_) => "unsafe for production:",
        },
    );
    push_findings(&mut text, unsafe_settings.unwrap_or_default());
    let (warnings, ignored) = (settings.warnings(), ignored_variables(S::SERVICE));
    if !warnings.is_empty() || !ignored.is_empty() {
        text += "\n";
        text += &comment("", "warnings:");
    }
    push_findings(&mut text, &warnings);
    for (variable, meant) in ignored {
        text += &comment("  ", &format!("{variable}: is ignored; the setting is {meant}"));
    }
    Ok(text)
}

fn push_findings(text: &mut String, findings: &[UnsafeSetting]) {
    for UnsafeSetting { setting, problem, remedy } in findings {
        *text += &comment("  ", &format!("{setting}: {problem}; {remedy}"));
    }
}

/// Returns a comment in TOML, in the language of this process.
fn comment(indent: &str, message: &str) -> String {
    format!("# {indent}{}\n", translated(message))
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

/// Returns the exit code of a command, and prints its error to standard error in one line. If the
/// process logs JSON, the line is JSON.
pub fn exit_code(result: anyhow::Result<()>) -> ExitCode {
    exit_code_with_label("error: ", result)
}

/// Returns the exit code of a command, and prints its error after `label`, in the language of the
/// user.
#[expect(
    clippy::print_stderr,
    reason = "the process may have failed before logging was initialized"
)]
pub fn exit_code_with_label(label: &str, result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.chain().any(<dyn std::error::Error>::is::<OutputClosed>) => {
            ExitCode::SUCCESS
        }
        Err(error) if logs_json() => {
            tracing::error!(error = format!("{error:#}"), "the server failed");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{label}{}", language::error_message(&error));
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
    use test_support::platform::os_string;

    use super::*;

    #[test]
    fn non_utf8_setting_is_an_error_and_other_variables_are_ignored() {
        let invalid = || os_string(b"production\xa0");
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
