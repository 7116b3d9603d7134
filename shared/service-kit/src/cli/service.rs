use clap::{Args, Subcommand};

use super::{SettingsArgs, block_on, check_config, healthcheck};
use crate::{BoundListener, CancellationToken, Settings, cancel_on_signal, telemetry};

/// The command line of a service that has no store of its own; `D` is what its doctor can be told.
#[derive(Debug, Args)]
pub struct ServiceArguments<D: Args> {
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(subcommand)]
    command: Option<Command<D>>,
}

#[derive(Debug, Subcommand)]
enum Command<D: Args> {
    /// Serve until Ctrl-C (the default)
    Serve,
    /// Print the settings in force, secrets hidden, and every one that production would refuse
    CheckConfig,
    /// Ask the running server whether it is ready
    Healthcheck,
    /// Find out why the set-up fails, from inside the place where this runs; nothing is changed by
    /// it
    Doctor(D),
}

/// Run the command: `serve` is called with the settings, the address that was taken, and the stop
/// to wait for; `doctor` with the settings and what it was told.
///
/// # Errors
/// Why the command failed.
pub fn run_service<S, D, F>(
    arguments: &ServiceArguments<D>,
    serve: impl FnOnce(S, BoundListener, CancellationToken) -> F,
    doctor: impl FnOnce(&S, &D) -> anyhow::Result<()>,
) -> anyhow::Result<()>
where
    S: Settings,
    D: Args,
    F: Future<Output = anyhow::Result<()>>,
{
    let settings: S = arguments.settings.load()?;
    match &arguments.command {
        None | Some(Command::Serve) => block_on(until_stopped(settings, serve)),
        Some(Command::CheckConfig) => check_config(&settings),
        Some(Command::Doctor(told)) => doctor(&settings, told),
        Some(Command::Healthcheck) => {
            let (listen, certificates) = settings.listener();
            block_on(healthcheck(listen, certificates))
        }
    }
}

async fn until_stopped<S, F>(
    settings: S,
    serve: impl FnOnce(S, BoundListener, CancellationToken) -> F,
) -> anyhow::Result<()>
where
    S: Settings,
    F: Future<Output = anyhow::Result<()>>,
{
    let _telemetry = telemetry::init(S::SERVICE, settings.log())?;
    let stop = CancellationToken::new();
    cancel_on_signal(stop.clone())?;
    let bound = BoundListener::bind(settings.listener().0, "listen")?;
    tracing::info!(at = %bound.address(), profile = ?settings.profile(), "{} starts", S::SERVICE);
    serve(settings, bound, stop).await?;
    tracing::info!("{} has stopped", S::SERVICE);
    Ok(())
}
