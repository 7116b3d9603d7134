use std::process::Command;

/// The first argument with which this program serves the limit of a row.
pub const BARE_AXUM: &str = "bare-axum";
/// The first argument with which this program starts testkits and measures its memory.
pub const TESTKITS: &str = "testkits";

/// The first argument with which this program starts a testkit with many issuers and measures its
/// memory.
pub const ISSUERS: &str = "issuers";

/// Returns the command that runs this program with an argument and without the environment of this
/// process.
pub fn command(argument: &str) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(argument).env_clear();
    Ok(command)
}
