//! The command line: the demo, or any of the servers. The image holds this one binary.

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use service_kit::cli::{self, block_on};

use crate::{demo, doctor, walk, walk::WalkArguments};

/// OAuth 2.0 between servers, to learn from, to test with and to build on.
///
/// Without a command: C, A, a B that checks by itself and a B that asks C, in one process, until
/// Ctrl-C.
#[derive(Debug, Parser)]
#[command(name = "gatepass", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(flatten)]
    demo: DemoArguments,
    #[command(subcommand)]
    command: Option<Command>,
}

/// How the demo is started.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DemoArguments {
    /// Where the database, the keys and the development CA are kept
    #[arg(long, value_name = "FOLDER", default_value = "gatepass-data")]
    pub(crate) data_dir: PathBuf,
    /// Let A and B also do what the document warns of: show and take the secret itself
    #[arg(long)]
    pub(crate) legacy_secret_demo: bool,
    /// What is logged, as `tracing-subscriber` writes it: `info`, or `warn,auth_server=debug`
    #[arg(long, default_value = "warn")]
    pub(crate) log: String,
    /// Take ports that the system chooses, instead of 9000 to 9004 and 9443
    #[arg(long)]
    pub(crate) free_ports: bool,
    /// Stop after the first call
    #[arg(long)]
    pub(crate) once: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tell a story in the terminal: server to server, a login, a revocation, or every attack
    Walk(WalkArguments),
    /// C, the authorization server, alone
    AuthServer(auth_server::cli::Arguments),
    /// A, the client, alone
    ServiceA(service_a::cli::Arguments),
    /// B, the resource server, alone
    ServiceB(service_b::cli::Arguments),
    /// The page that draws what happens between them, alone
    FlowViewer(flow_viewer::commands::Arguments),
    /// Find out why the demo, or what the environment describes, fails; nothing is changed by it
    Doctor(doctor::Arguments),
}

/// Run a command line.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Arguments::try_parse_from(arguments) {
        Ok(arguments) => cli::exit_code(run(arguments)),
        Err(error) => error.exit(),
    }
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    match arguments.command {
        None => block_on(demo::run(arguments.demo)),
        Some(Command::Walk(arguments)) => block_on(walk::run(arguments)),
        Some(Command::AuthServer(arguments)) => auth_server::cli::run(arguments),
        Some(Command::ServiceA(arguments)) => service_a::cli::run(&arguments),
        Some(Command::ServiceB(arguments)) => service_b::cli::run(&arguments),
        Some(Command::FlowViewer(arguments)) => flow_viewer::commands::run(&arguments),
        Some(Command::Doctor(arguments)) => doctor::run(&arguments),
    }
}
