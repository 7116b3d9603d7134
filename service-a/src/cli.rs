//! Command line of A. Without a subcommand, `service-a` serves.

use std::{ffi::OsString, process::ExitCode};

use ::doctor::DoctorArguments;
use clap::{Parser, Subcommand};
use clock::Clock;
use service_kit::{
    CancellationToken, Listeners,
    cli::{ServiceCommand, SettingsArgs, block_on, exit_code, run_service_command},
};

use crate::{ServiceA, ServiceASettings, doctor, server::open_accounts};

/// Gatepass service A: an OAuth 2.0 client that calls B, and a website with federated login.
#[derive(Debug, Parser)]
#[command(name = "service-a", version)]
pub struct Arguments {
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Service(ServiceCommand<DoctorArguments>),
    /// Create or update the tables of the database, then exit
    Migrate,
}

/// Parses and runs a command line.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Arguments::try_parse_from(arguments) {
        Ok(arguments) => exit_code(run(&arguments)),
        Err(error) => error.exit(),
    }
}

/// Runs a parsed command line.
///
/// # Errors
/// Returns an error if the command fails.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let serve =
        async |settings: ServiceASettings, listeners: Listeners, stop: CancellationToken| {
            let (events, sender) = settings.events.start(settings.profile)?;
            let prepared = ServiceA::prepare(&settings, listeners, Clock::system(), events);
            let Some(server) = stop.run_until_cancelled(prepared).await.transpose()? else {
                return Ok(());
            };
            let served = server.run(stop).await;
            sender.finish().await;
            served
        };
    let diagnose = |settings: &ServiceASettings, arguments: &DoctorArguments| {
        ::doctor::run(arguments, async { vec![doctor::examine(settings, &Clock::system()).await] })
    };
    let settings = arguments.settings.load()?;
    let command = match &arguments.command {
        // Opening the database migrates it.
        Some(Command::Migrate) => {
            return block_on(async { open_accounts(&settings).await.map(|_| ()) });
        }
        Some(Command::Service(command)) => Some(command),
        None => None,
    };
    run_service_command(settings, command, serve, diagnose)
}
