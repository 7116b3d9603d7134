//! The command line of C. Without a subcommand it serves.

mod audit;
mod client;
mod dev_ca;
mod grants;
mod keys;
mod serve;
mod user;

use std::{ffi::OsString, process::ExitCode};

use clap::{Parser, Subcommand};
use clock::Clock;
use service_kit::cli::{self, SettingsArgs, block_on, check_config, healthcheck};

use crate::{AuthServerSettings, SecureRandom, doctor, server::open_store};

/// The authorization server (C): authenticates clients and users and issues access tokens.
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
    /// Run the server until Ctrl-C (default)
    Serve,
    /// Print the effective settings, without secrets, and those that production rejects
    CheckConfig,
    /// Check whether the running server is ready
    Healthcheck,
    /// Create or update the tables of the database, then exit
    Migrate,
    /// Diagnose settings, database and network as seen from this machine, without changing anything
    Doctor(doctor::Arguments),
    /// Create the development CA or print its location; issue certificates for other servers
    DevCa(dev_ca::Arguments),
    /// Manage the signing keys
    #[command(subcommand)]
    Keys(keys::Command),
    /// Manage the clients in the database (clients of the clients file are edited there)
    #[command(subcommand)]
    Client(client::Command),
    /// Manage the users
    #[command(subcommand)]
    User(user::Command),
    /// Manage what users and clients have been granted
    #[command(subcommand)]
    Grants(grants::Command),
    /// Print the audit log, newest records first
    Audit(audit::Arguments),
}

/// Runs a command line.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Arguments::try_parse_from(arguments) {
        Ok(arguments) => cli::exit_code(run(arguments)),
        Err(error) => error.exit(),
    }
}

/// Runs a parsed command.
///
/// # Errors
/// Returns why the command failed.
pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    let settings: AuthServerSettings = arguments.settings.load()?;
    let (clock, entropy) = (Clock::system(), SecureRandom::system());
    match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => block_on(serve::run(settings, clock, entropy)),
        Command::CheckConfig => check_config(&settings),
        Command::Healthcheck => block_on(healthcheck(&settings)),
        // Opening the database migrates it.
        Command::Migrate => block_on(async { open_store(&settings).await.map(|_| ()) }),
        Command::Doctor(arguments) => ::doctor::run(&arguments.output, async {
            vec![doctor::examine(&settings, &arguments.asked, &clock).await]
        }),
        Command::DevCa(arguments) => dev_ca::run(&arguments, &settings, &clock),
        Command::Keys(command) => block_on(keys::run(command, settings, clock)),
        Command::Client(command) => block_on(client::run(command, settings, clock, entropy)),
        Command::User(command) => block_on(user::run(command, settings, clock, entropy)),
        Command::Grants(command) => block_on(grants::run(command, settings, clock)),
        Command::Audit(arguments) => block_on(audit::run(arguments, settings)),
    }
}
