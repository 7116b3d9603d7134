//! The command line: the demo, or any of the servers. The image contains only this binary.

use std::{ffi::OsString, process::ExitCode};

use anyhow::bail;
use clap::{FromArgMatches, Parser, Subcommand};
use pages::Language;
use service_kit::cli::{self, block_on};

use crate::{
    control::{self, FaultsArguments, MintArguments, ResetArguments},
    demo::{self, DemoArguments},
    doctor, help,
    messages::speak,
    parse_error,
    scenarios::{self, WalkArguments},
    terminal::{UnsupportedLanguage, terminal_language},
    texts::{Texts, fill},
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
    /// The language of the output, `en` or `zh`. The default is that of `LC_ALL`, `LC_MESSAGES` or
    /// `LANG`
    #[arg(long, global = true, value_name = "LANGUAGE")]
    lang: Option<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play scenarios and print them: server to server, logins, a refresh, or every attack
    Walk(WalkArguments),
    /// Run C, the authorization server
    AuthServer(Box<auth_server::cli::Arguments>),
    /// Run A, the client
    ServiceA(service_a::cli::Arguments),
    /// Run B, the resource server
    ServiceB(service_b::cli::Arguments),
    /// Run the flow viewer, the page that draws the messages between A, B and C
    FlowViewer(flow_viewer::cli::Arguments),
    /// Issue a token through the control API of C, right or wrong
    Mint(Box<MintArguments>),
    /// Set a server with the control API back to its seed
    Reset(ResetArguments),
    /// Make endpoints of a server with the control API fail
    Faults(FaultsArguments),
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
    let arguments: Vec<_> = arguments.into_iter().collect();
    // The parser needs the language for its help and its errors.
    let language = match terminal_language(requested_language(&arguments).as_deref()) {
        Ok(language) => language,
        Err(UnsupportedLanguage(requested)) => return unsupported_language(&requested),
    };
    speak(language);
    match parse(without_leading_language(arguments), language) {
        Ok(Ok(arguments)) => exit_code(run(arguments, language), language),
        Ok(Err(error)) => parse_error::exit(&error, language),
        Err(error) => cli::exit_code(Err(error)),
    }
}

/// Prints the error in the language of the environment.
fn unsupported_language(requested: &str) -> ExitCode {
    let language = terminal_language(None).unwrap_or_default();
    let error = Texts::of(language)
        .map(|texts| fill(&texts.own.error.unsupported_language, &[("language", requested)]));
    exit_code(error.and_then(|error| bail!(error)), language)
}

fn parse(
    arguments: Vec<OsString>,
    language: Language,
) -> anyhow::Result<Result<Arguments, clap::Error>> {
    let mut command = help::in_language(command(), language)?;
    let matches = command.try_get_matches_from_mut(arguments);
    Ok(matches.and_then(|matches| Arguments::from_arg_matches(&matches)))
}

/// Returns the value of `--lang`.
fn requested_language(arguments: &[OsString]) -> Option<String> {
    let mut texts = arguments.iter().skip(1).map(|argument| argument.to_string_lossy());
    while let Some(text) = texts.next() {
        if text == "--lang" {
            return texts.next().map(Into::into);
        }
        if let Some(value) = text.strip_prefix("--lang=") {
            return Some(value.to_owned());
        }
    }
    None
}

/// Removes `--lang` from before the command, because options of the demo and commands exclude one
/// another there.
fn without_leading_language(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let first = arguments.get(1).map(|argument| argument.to_string_lossy().into_owned());
    match first.as_deref() {
        Some("--lang") if arguments.len() > 2 => drop(arguments.drain(1..3)),
        Some(first) if first.starts_with("--lang=") => drop(arguments.drain(1..2)),
        _ => {}
    }
    arguments
}

fn exit_code(result: anyhow::Result<()>, language: Language) -> ExitCode {
    cli::exit_code_with_label(parse_error::label(language), result)
}

fn run(arguments: Arguments, language: Language) -> anyhow::Result<()> {
    match arguments.command {
        None => block_on(demo::run(arguments.demo, language)),
        Some(Command::Walk(arguments)) => block_on(scenarios::run(arguments, language)),
        Some(Command::AuthServer(arguments)) => auth_server::cli::run(*arguments),
        Some(Command::ServiceA(arguments)) => service_a::cli::run(&arguments),
        Some(Command::ServiceB(arguments)) => service_b::cli::run(&arguments),
        Some(Command::FlowViewer(arguments)) => flow_viewer::cli::run(&arguments),
        Some(Command::Mint(arguments)) => control::mint(&arguments),
        Some(Command::Reset(arguments)) => control::reset(&arguments),
        Some(Command::Faults(arguments)) => control::faults(&arguments),
        Some(Command::Doctor(arguments)) => doctor::run(&arguments),
    }
}
