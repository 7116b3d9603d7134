//! The command line of B. `service-b` alone serves.

use std::{ffi::OsString, process::ExitCode};

use clap::Parser;
use clock::Clock;
use service_kit::{
    BoundListener, CancellationToken,
    cli::{self, ServiceArguments, run_service},
};

use crate::{ServiceB, ServiceBSettings, doctor};

/// The protected API (B): it looks at the pass, and says yes or no.
#[derive(Debug, Parser)]
#[command(name = "service-b", version)]
pub struct Arguments {
    #[command(flatten)]
    service: ServiceArguments<doctor::Arguments>,
}

/// Run a command line.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Arguments::try_parse_from(arguments) {
        Ok(arguments) => cli::exit_code(run(&arguments)),
        Err(error) => error.exit(),
    }
}

/// Run a command that was read already.
///
/// # Errors
/// Why the command failed.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let serve =
        async |settings: ServiceBSettings, bound: BoundListener, stop: CancellationToken| {
            let events = settings.events.start(settings.profile, stop.clone())?;
            ServiceB::prepare(&settings, bound, Clock::system(), events)?.run(stop).await
        };
    run_service(
        &arguments.service,
        serve,
        |settings: &ServiceBSettings, told: &doctor::Arguments| {
            let pass = told.read_token()?;
            ::doctor::run(&told.output, async {
                vec![doctor::examine(settings, pass.as_ref(), &Clock::system()).await]
            })
        },
    )
}
