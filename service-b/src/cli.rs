//! The command line of B. Without a subcommand, it serves.

use std::{ffi::OsString, process::ExitCode};

use clap::Parser;
use clock::Clock;
use service_kit::{
    CancellationToken, Listeners,
    cli::{self, ServiceArguments, run_service},
};

use crate::{ServiceB, ServiceBSettings, doctor};

/// B, the resource server: verifies access tokens and serves a small API.
#[derive(Debug, Parser)]
#[command(name = "service-b", version)]
pub struct Arguments {
    #[command(flatten)]
    service: ServiceArguments<doctor::Arguments>,
}

/// Parses and runs a command line.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Arguments::try_parse_from(arguments) {
        Ok(arguments) => cli::exit_code(run(&arguments)),
        Err(error) => error.exit(),
    }
}

/// Runs a parsed command.
///
/// # Errors
/// Returns the reason why the command failed.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let serve =
        async |settings: ServiceBSettings, listeners: Listeners, stop: CancellationToken| {
            let (events, sender) = settings.events.start(settings.profile)?;
            let server = ServiceB::prepare(&settings, listeners, Clock::system(), events)?;
            let served = server.run(stop).await;
            sender.finish().await;
            served
        };
    run_service(
        &arguments.service,
        serve,
        |settings: &ServiceBSettings, arguments: &doctor::Arguments| {
            let token = arguments.read_token()?;
            ::doctor::run(&arguments.output, async {
                vec![doctor::examine(settings, token.as_ref(), &Clock::system()).await]
            })
        },
    )
}
