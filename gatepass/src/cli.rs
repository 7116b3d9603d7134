//! The command line: the demo, or any of the servers. The image contains only this binary.

use std::{ffi::OsString, process::ExitCode};

use clap::{Parser, Subcommand};
use service_kit::cli::{self, block_on};

use crate::{
    demo::{self, DemoArguments},
    doctor,
    scenarios::{self, WalkArguments},
};

/// A complete OAuth 2.0 and OpenID Connect system: authorization server, client, resource server.
///
/// Without a command, runs the demo in one process until Ctrl-C: C, A, a B that verifies access
/// tokens locally, a B that introspects them at C, and the flow viewer.
#[derive(Debug, Parser)]
#[command(name = "gatepass", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(flatten)]
    demo: DemoArguments,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play scenarios and print them: server to server, a login, a revocation, or every attack
    Walk(WalkArguments),
    /// Run C, the authorization server
    AuthServer(Box<auth_server::cli::Arguments>),
    /// Run A, the client
    ServiceA(service_a::cli::Arguments),
    /// Run B, the resource server
    ServiceB(service_b::cli::Arguments),
    /// Run the flow viewer, the page that draws the messages between A, B and C
    FlowViewer(flow_viewer::cli::Arguments),
    /// Find out why the demo, or the servers that the environment describes, fail. Changes nothing
    Doctor(doctor::Arguments),
}

/// Returns the definition of the command line, for the generated reference.
#[must_use]
pub fn command() -> clap::Command {
    <Arguments as clap::CommandFactory>::command()
}

/// Parses and runs a command line.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Arguments::try_parse_from(arguments) {
        Ok(arguments) => cli::exit_code(run(arguments)),
        Err(error) => error.exit(),
    }
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    match arguments.command {
        None => block_on(demo::run(arguments.demo)),
        Some(Command::Walk(arguments)) => block_on(scenarios::run(arguments)),
        Some(Command::AuthServer(arguments)) => auth_server::cli::run(*arguments),
        Some(Command::ServiceA(arguments)) => service_a::cli::run(&arguments),
        Some(Command::ServiceB(arguments)) => service_b::cli::run(&arguments),
        Some(Command::FlowViewer(arguments)) => flow_viewer::cli::run(&arguments),
        Some(Command::Doctor(arguments)) => doctor::run(&arguments),
    }
}
