//! The command line of the container engine.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
    sync::LazyLock,
};

use anyhow::{Context, anyhow, ensure};

/// Runs a command. Returns its output, or an error with its standard error.
pub fn run(command: &mut Command) -> anyhow::Result<String> {
    let output = output(command)?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

pub fn docker(arguments: &[&str]) -> anyhow::Result<String> {
    run(Command::new("docker").args(arguments))
}

/// Returns everything that a container logged, on both streams.
pub fn logs_of(container: &str) -> anyhow::Result<String> {
    let output = output(Command::new("docker").args(["logs", container]))?;
    Ok([output.stdout, output.stderr]
        .map(|stream| String::from_utf8_lossy(&stream).into_owned())
        .concat())
}

/// Returns the paths of the files and folders below `path` in a container, read from a tar archive
/// of the engine.
pub fn paths_in(container: &str, path: &str) -> anyhow::Result<Vec<String>> {
    let archive =
        output(Command::new("docker").args(["cp", &format!("{container}:{path}"), "-"]))?.stdout;
    let mut lister =
        Command::new("tar").arg("-t").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut input = lister.stdin.take().context("tar has no standard input")?;
    let writer = std::thread::spawn(move || input.write_all(&archive));
    let listed = lister.wait_with_output()?;
    writer.join().map_err(|_| anyhow!("the archive was not written"))??;
    Ok(String::from_utf8(listed.stdout)?.lines().map(str::to_owned).collect())
}

static COMPOSE: LazyLock<Option<&[&str]>> = LazyLock::new(|| {
    let known = [&["docker", "compose"][..], &["docker-compose"]];
    known.into_iter().find(|words| run(command(words).arg("version")).is_ok())
});

/// `docker compose`, or the older `docker-compose`.
pub fn compose() -> anyhow::Result<Command> {
    let words = COMPOSE.context(
        "the container tests need `docker compose` or `docker-compose`, and neither works: install docker-compose",
    )?;
    Ok(command(words))
}

fn command(words: &[&str]) -> Command {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command
}

/// Checks that engine and Compose are available. The error names what to install or start.
pub fn require() -> anyhow::Result<()> {
    let reason = |error: anyhow::Error| {
        let details = format!("{error:#}").replace('\n', " ");
        anyhow!(
            "the container tests need docker with a running engine: install or start it ({details})"
        )
    };
    docker(&["version", "--format", "{{.Server.Version}}"]).map_err(reason)?;
    compose().map(drop)
}

fn output(command: &mut Command) -> anyhow::Result<Output> {
    let name = format!("{} {}", command.get_program().display(), arguments(command));
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("`{name}` cannot be run"))?;
    ensure!(
        output.status.success(),
        "`{name}` failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(output)
}

fn arguments(command: &Command) -> String {
    command.get_args().map(|argument| argument.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
