//! Command line of A. Without a subcommand, `service-a` serves.

use std::{ffi::OsString, process::ExitCode};

use ::doctor::DoctorArguments;
use clap::Parser;
use clock::Clock;
use service_kit::{
    BoundListener, CancellationToken,
    cli::{ServiceArguments, exit_code, run_service},
};

use crate::{ServiceA, ServiceASettings, doctor};

/// Gatepass service A: an OAuth 2.0 client that calls B, and a website with federated login.
#[derive(Debug, Parser)]
#[command(name = "service-a", version)]
pub struct Arguments {
    #[command(flatten)]
    service: ServiceArguments<DoctorArguments>,
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
        async |settings: ServiceASettings, bound: BoundListener, stop: CancellationToken| {
            let events = settings.events.start(settings.profile, stop.clone())?;
            ServiceA::prepare(&settings, bound, Clock::system(), events).await?.run(stop).await
        };
    let diagnose = |settings: &ServiceASettings, arguments: &DoctorArguments| {
        ::doctor::run(arguments, async { vec![doctor::examine(settings, &Clock::system()).await] })
    };
    run_service(&arguments.service, serve, diagnose)
}
