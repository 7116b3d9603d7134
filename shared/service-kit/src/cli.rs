//! What the command lines of all services have in common.

mod service;

pub use service::{ServiceArguments, run_service};

use std::{
    ffi::OsString,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context;
use clap::Args;

use crate::{
    HttpClientSettings, Settings, Sources, UnsafeSetting, ensure_safe_for_production,
    listen::local_connect_address, load, settings::PREFIX,
};

/// Where the settings come from.
#[derive(Clone, Debug, Default, Args)]
pub struct SettingsArgs {
    /// A TOML file with settings
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// One setting, above file and environment; nested keys with a dot: `--set log.format=json`
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

impl SettingsArgs {
    /// Read the settings of a service from defaults, file, environment and flags.
    ///
    /// # Errors
    /// When a setting is unknown or wrong.
    pub fn load<S: Settings>(&self) -> anyhow::Result<S> {
        let environment = readable(std::env::vars_os())?;
        let sources = Sources {
            file: self.config.clone(),
            environment,
            overrides: self.set.clone(),
            ..Sources::default()
        };
        load(&sources).with_context(|| format!("the settings of {}", S::SERVICE))
    }
}

/// The variables that can be read. A name that is not UTF-8 cannot be a setting of ours; a value of
/// ours that is not must not be passed over, as if nobody had set it.
fn readable(
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> anyhow::Result<Vec<(String, String)>> {
    let mut read = Vec::new();
    for (name, value) in variables {
        let Ok(name) = name.into_string() else { continue };
        match value.into_string() {
            Ok(value) => read.push((name, value)),
            Err(_) if name.starts_with(PREFIX) => {
                anyhow::bail!("the environment variable {name} is not UTF-8")
            }
            Err(_) => (),
        }
    }
    Ok(read)
}

/// `SERVICE check-config`: print the settings in force, secrets hidden, and every unsafe one.
///
/// # Errors
/// When `serve` would refuse to start with them.
pub fn check_config<S: Settings>(settings: &S) -> anyhow::Result<()> {
    let (findings, usable) = (settings.unsafe_settings(), settings.validate());
    print_line(render_config(settings, &findings, &usable)?)?;
    ensure_safe_for_production(settings.profile(), &findings).map_err(anyhow::Error::msg)?;
    usable
}

/// Print what a command was asked for.
///
/// # Errors
/// When the reader has closed the pipe.
pub fn print_line(text: impl std::fmt::Display) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}

/// What `check-config` prints: the settings in force, secrets hidden, and every unsafe one.
///
/// # Errors
/// When they cannot be written as TOML.
pub fn render_config<S: Settings>(
    settings: &S,
    findings: &[UnsafeSetting],
    usable: &anyhow::Result<()>,
) -> anyhow::Result<String> {
    let in_force = toml::to_string_pretty(settings)?;
    let mut text = format!("# {} with these settings in force\n{in_force}", S::SERVICE);
    match usable {
        Err(error) => text.push_str(&format!("\n# nothing can be served: {error:#}\n")),
        Ok(()) if findings.is_empty() => {
            text.push_str("\n# every setting is safe for production\n")
        }
        Ok(()) => (),
    }
    if !findings.is_empty() {
        text.push_str("\n# unsafe for production:\n");
    }
    for UnsafeSetting { setting, problem, remedy } in findings {
        text.push_str(&format!("#   {setting}: {problem}; {remedy}\n"));
    }
    Ok(text)
}

/// Ask a running service whether it is ready: what `SERVICE healthcheck` does, in images that have
/// no shell and no curl.
///
/// # Errors
/// When it does not answer, or answers that it is not ready.
pub async fn healthcheck(listen: &str, certificates: Option<&Path>) -> anyhow::Result<()> {
    let door = local_connect_address(listen).context("the setting `listen` is not host:port")?;
    let scheme = if certificates.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{door}/readyz");
    let timeout = HttpClientSettings::default().timeout.min(Duration::from_secs(3));
    // It speaks to itself over loopback and shows no secret, so it need not find out who answers;
    // the certificate is for the name that others know.
    let client = reqwest::Client::builder()
        .tls_danger_accept_invalid_certs(true)
        .timeout(timeout)
        .no_proxy()
        .build()?;
    let response =
        client.get(&url).send().await.with_context(|| format!("{url} does not answer"))?;
    let status = response.status();
    let body = response.text().await.unwrap_or_default();
    anyhow::ensure!(status.is_success(), "{url} answers {status}: {body}");
    Ok(())
}

/// Say why a command failed, in one line, and fail.
#[expect(
    clippy::print_stderr,
    reason = "the last words of a process that may have failed before logging began"
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

/// The runtime that every command runs in.
///
/// # Errors
/// When the system refuses threads.
pub fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(future)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn a_setting_that_cannot_be_read_is_named_and_what_is_not_ours_is_passed_over() {
        let bad = || OsString::from_vec(b"production\xa0".to_vec());
        let good = ("GATEPASS__SERVICE_B__MODE".into(), "local".into());
        let others = [("PATH".into(), bad()), (bad(), "x".into()), good];
        let read = readable(others.into_iter()).unwrap();
        assert_eq!(read, [("GATEPASS__SERVICE_B__MODE".to_owned(), "local".to_owned())]);
        let ours = [("GATEPASS__AUTH_SERVER__PROFILE".into(), bad())];
        let refusal = readable(ours.into_iter()).unwrap_err().to_string();
        assert!(
            refusal.contains("GATEPASS__AUTH_SERVER__PROFILE") && !refusal.contains("production"),
            "{refusal}"
        );
    }
}
