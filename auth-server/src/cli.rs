//! The command line of C. `auth-server` alone serves.

mod audit;
mod client;
mod dev_ca;
mod keys;
mod serve;
mod user;

use std::{ffi::OsString, process::ExitCode};

use clap::{Parser, Subcommand};
use clock::Clock;
use service_kit::{
    Settings,
    cli::{self, SettingsArgs, block_on, check_config, healthcheck},
};

use crate::{AuthServerSettings, Entropy, doctor};

/// The authorization server (C): it checks once who a client is, and hands out a short-lived pass.
#[derive(Debug, Parser)]
#[command(name = "auth-server", version)]
pub struct Arguments {
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until Ctrl-C (the default)
    Serve,
    /// Print the settings in force, secrets hidden, and every one that production would refuse
    CheckConfig,
    /// Ask the running server whether it is ready
    Healthcheck,
    /// Find out why the set-up fails, from inside the place where this runs; nothing is changed by
    /// it
    Doctor(doctor::Arguments),
    /// Make the development CA, or show where it is; make certificates for other servers with it
    DevCa(dev_ca::Arguments),
    /// The signing keys
    #[command(subcommand)]
    Keys(keys::Command),
    /// The clients in the database (those of the clients file are changed there)
    #[command(subcommand)]
    Client(client::Command),
    /// The users in the database
    #[command(subcommand)]
    User(user::Command),
    /// Read the audit trail, the newest records first
    Audit(audit::Arguments),
}

/// Run a command line.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Arguments::try_parse_from(arguments) {
        Ok(arguments) => cli::exit_code(run(arguments)),
        Err(error) => error.exit(),
    }
}

/// Run a command that was read already.
///
/// # Errors
/// Why the command failed.
pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    let settings: AuthServerSettings = arguments.settings.load()?;
    let (clock, entropy) = (Clock::system(), Entropy::system());
    match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => block_on(serve::run(settings, clock, entropy)),
        Command::CheckConfig => check_config(&settings),
        Command::Healthcheck => {
            let (listen, certificates) = settings.listener();
            block_on(healthcheck(listen, certificates))
        }
        Command::Doctor(told) => ::doctor::run(&told.output, async {
            vec![doctor::examine(&settings, &told.asked, &clock).await]
        }),
        Command::DevCa(arguments) => dev_ca::run(&arguments, &settings, &clock),
        Command::Keys(command) => block_on(keys::run(command, settings, clock)),
        Command::Client(command) => block_on(client::run(command, settings, clock, entropy)),
        Command::User(command) => block_on(user::run(command, settings, clock, entropy)),
        Command::Audit(arguments) => block_on(audit::run(arguments, settings)),
    }
}
