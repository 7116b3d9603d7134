//! The command line of A. `service-a` alone serves.

use std::{ffi::OsString, process::ExitCode};

use ::doctor::DoctorArguments;
use clap::Parser;
use clock::Clock;
use service_kit::{
    BoundListener, CancellationToken,
    cli::{ServiceArguments, exit_code, run_service},
};

use crate::{ServiceA, ServiceASettings, doctor};

/// A machine (A) that calls B as itself.
#[derive(Debug, Parser)]
#[command(name = "service-a", version)]
pub struct Arguments {
    #[command(flatten)]
    service: ServiceArguments<DoctorArguments>,
}

/// Run a command line.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Arguments::try_parse_from(arguments) {
        Ok(arguments) => exit_code(run(&arguments)),
        Err(error) => error.exit(),
    }
}

/// Run a command that was read already.
///
/// # Errors
/// Why the command failed.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let serve =
        async |settings: ServiceASettings, bound: BoundListener, stop: CancellationToken| {
            let events = settings.events.start(settings.profile, stop.clone())?;
            ServiceA::prepare(&settings, bound, Clock::system(), events).await?.run(stop).await
        };
    run_service(&arguments.service, serve, |settings: &ServiceASettings, told: &DoctorArguments| {
        ::doctor::run(told, async { vec![doctor::examine(settings, &Clock::system()).await] })
    })
}
