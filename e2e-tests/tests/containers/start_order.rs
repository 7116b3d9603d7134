use std::{
    io::{BufRead, BufReader, Lines},
    process::{Child, ChildStdout, Command, Stdio},
};

use anyhow::Context;

/// Records the order in which the services of a project start and become healthy.
pub struct StartOrder {
    listener: Child,
    events: Lines<BufReader<ChildStdout>>,
}

impl StartOrder {
    /// Starts recording.
    pub fn of(project: &str) -> anyhow::Result<Self> {
        let mut listener = Command::new("docker")
            .args(["events", "--filter", "event=start", "--filter", "event=health_status"])
            .args(["--filter", &format!("label=com.docker.compose.project={project}")])
            .args([
                "--format",
                r#"{{.Action}} {{index .Actor.Attributes "com.docker.compose.service"}}"#,
            ])
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = listener.stdout.take().context("docker events has no output")?;
        Ok(Self { listener, events: BufReader::new(stdout).lines() })
    }

    /// Returns all events up to `last`.
    pub fn until(&mut self, last: &str) -> anyhow::Result<Vec<String>> {
        let mut seen = Vec::new();
        for event in self.events.by_ref() {
            seen.push(event?);
            if seen.last().is_some_and(|event| event == last) {
                return Ok(seen);
            }
        }
        anyhow::bail!("the engine did not report `{last}`: {seen:?}")
    }
}

impl Drop for StartOrder {
    fn drop(&mut self) {
        // `docker events` runs until it is killed.
        let _ = self.listener.kill();
        let _ = self.listener.wait();
    }
}
