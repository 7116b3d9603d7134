//! The command line of C. Without a subcommand it serves.

mod attribute;
mod audit;
mod client;
mod dev_ca;
mod grant_count;
mod grants;
mod keys;
mod migrate;
mod retry;
mod serve;
mod user;

use std::{ffi::OsString, process::ExitCode, sync::Arc};

use clap::{Args, Parser, Subcommand};
use service_kit::cli::{self, SettingsArgs, block_on, check_config, healthcheck};

use crate::{
    AuthServerSettings, SecureRandom, doctor,
    server::{open_existing_store, open_store},
    storage::Store,
};

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
    /// Print the location of the development CA, or create it; issue certificates for other servers
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

/// For commands that can come before the first start of the server.
#[derive(Debug, Args)]
struct CreateDatabase {
    /// Create the database if there is none
    #[arg(long)]
    create: bool,
}

impl CreateDatabase {
    async fn open_store(&self, settings: &AuthServerSettings) -> anyhow::Result<Arc<dyn Store>> {
        if self.create { open_store(settings).await } else { open_existing_store(settings).await }
    }
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
    let (clock, random) = (settings.clock(), SecureRandom::system());
    match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => block_on(serve::run(settings, clock, random)),
        Command::CheckConfig => check_config(&settings),
        Command::Healthcheck => block_on(healthcheck(&settings)),
        Command::Migrate => block_on(migrate::run(settings)),
        Command::Doctor(arguments) => ::doctor::run(&arguments.output, async {
            vec![doctor::examine(&settings, &arguments.query, &clock).await]
        }),
        Command::DevCa(arguments) => dev_ca::run(&arguments, &settings, &clock),
        Command::Keys(command) => block_on(keys::run(command, settings, clock)),
        Command::Client(command) => block_on(client::run(command, settings, clock, random)),
        Command::User(command) => block_on(user::run(command, settings, clock, random)),
        Command::Grants(command) => block_on(grants::run(command, settings, clock, random)),
        Command::Audit(arguments) => block_on(audit::run(arguments, settings)),
    }
}
