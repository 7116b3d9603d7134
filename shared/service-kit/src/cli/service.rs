use clap::{Args, Subcommand};

use super::{SettingsArgs, block_on, check_config, healthcheck};
use crate::{Bound, Settings, Stop, on_signal, telemetry};

/// The command line of a service that has no store of its own.
#[derive(Debug, Args)]
pub struct ServiceArguments {
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Clone, Copy, Debug, Default, Subcommand)]
enum Command {
    /// Serve until Ctrl-C (the default)
    #[default]
    Serve,
    /// Print the settings in force, secrets hidden, and every one that production would refuse
    CheckConfig,
    /// Ask the running server whether it is ready
    Healthcheck,
}

/// Run the command: `serve` is called with the settings, the address that was taken, and the stop to wait for.
///
/// # Errors
/// Why the command failed.
pub fn run_service<S, F>(arguments: &ServiceArguments, serve: impl FnOnce(S, Bound, Stop) -> F) -> anyhow::Result<()>
where
    S: Settings,
    F: Future<Output = anyhow::Result<()>>,
{
    let settings: S = arguments.settings.load()?;
    match arguments.command.unwrap_or_default() {
        Command::Serve => block_on(until_stopped(settings, serve)),
        Command::CheckConfig => check_config(&settings),
        Command::Healthcheck => {
            let (listen, certificates) = settings.listener();
            block_on(healthcheck(listen, certificates))
        }
    }
}

async fn until_stopped<S, F>(settings: S, serve: impl FnOnce(S, Bound, Stop) -> F) -> anyhow::Result<()>
where
    S: Settings,
    F: Future<Output = anyhow::Result<()>>,
{
    let _telemetry = telemetry::begin(S::SERVICE, settings.log())?;
    let stop = Stop::new();
    on_signal(stop.clone())?;
    let bound = Bound::to(settings.listener().0, "listen")?;
    tracing::info!(at = %bound.address(), profile = ?settings.profile(), "{} starts", S::SERVICE);
    serve(settings, bound, stop).await?;
    tracing::info!("{} has stopped", S::SERVICE);
    Ok(())
}
