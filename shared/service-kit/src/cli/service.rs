use clap::{Args, Subcommand};

use super::{SettingsArgs, block_on, check_config, healthcheck, log_warnings};
use crate::{CancellationToken, Listeners, Settings, cancel_on_signal, telemetry};

/// Command line of a server without administrative commands. `D` are the arguments of its `doctor`
/// command.
#[derive(Debug, Args)]
pub struct ServiceArguments<D: Args> {
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(subcommand)]
    command: Option<ServiceCommand<D>>,
}

/// The commands of every server.
#[derive(Debug, Subcommand)]
pub enum ServiceCommand<D: Args> {
    /// Serve until Ctrl-C (the default)
    Serve,
    /// Print the effective settings without secrets, and those that are not safe in production
    CheckConfig,
    /// Check whether the running server is ready; exit with 1 if not
    Healthcheck,
    /// Diagnose the setup from where this runs, without changing anything
    Doctor(D),
}

/// Runs the command. `serve` gets the settings, the bound listeners and the token that is cancelled
/// at shutdown; `doctor` gets the settings and its arguments.
///
/// # Errors
/// Returns the error of the command.
pub fn run_service<S, D, F>(
    arguments: &ServiceArguments<D>,
    serve: impl FnOnce(S, Listeners, CancellationToken) -> F,
    doctor: impl FnOnce(&S, &D) -> anyhow::Result<()>,
) -> anyhow::Result<()>
where
    S: Settings,
    D: Args,
    F: Future<Output = anyhow::Result<()>>,
{
    run_service_command(arguments.settings.load()?, arguments.command.as_ref(), serve, doctor)
}

/// Runs the command of a server that has further commands, as [`run_service`] does.
///
/// # Errors
/// Returns the error of the command.
pub fn run_service_command<S, D, F>(
    settings: S,
    command: Option<&ServiceCommand<D>>,
    serve: impl FnOnce(S, Listeners, CancellationToken) -> F,
    doctor: impl FnOnce(&S, &D) -> anyhow::Result<()>,
) -> anyhow::Result<()>
where
    S: Settings,
    D: Args,
    F: Future<Output = anyhow::Result<()>>,
{
    match command {
        None | Some(ServiceCommand::Serve) => block_on(serve_until_signal(settings, serve)),
        Some(ServiceCommand::CheckConfig) => check_config(&settings),
        Some(ServiceCommand::Doctor(arguments)) => doctor(&settings, arguments),
        Some(ServiceCommand::Healthcheck) => block_on(healthcheck(&settings)),
    }
}

async fn serve_until_signal<S, F>(
    settings: S,
    serve: impl FnOnce(S, Listeners, CancellationToken) -> F,
) -> anyhow::Result<()>
where
    S: Settings,
    F: Future<Output = anyhow::Result<()>>,
{
    let _telemetry = telemetry::init(S::SERVICE, settings.log())?;
    let shutdown = CancellationToken::new();
    cancel_on_signal(shutdown.clone())?;
    let listeners = Listeners::bind(&settings)?;
    log_warnings(S::SERVICE, &settings.warnings());
    tracing::info!(
        service = S::SERVICE,
        address = %listeners.public.address(),
        manage = listeners.manage.as_ref().map(|bound| bound.address().to_string()),
        profile = settings.profile().as_str(),
        "server started"
    );
    serve(settings, listeners, shutdown).await?;
    tracing::info!(service = S::SERVICE, "server stopped");
    Ok(())
}
