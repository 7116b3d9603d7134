//! Runs the real binary: commands that end, and a server.

use std::ops::Deref;

use test_support::process::{Program, ServerProcess};

pub use test_support::process::{CommandOutput, set_arguments as set};

use crate::client::TestClient;

const SERVICE_B: Program = Program::at(env!("CARGO_BIN_EXE_service-b"));

/// A server in its own process, which is killed on drop.
pub struct Process {
    client: TestClient,
    server: ServerProcess,
}

/// Runs a command and waits for its end.
pub async fn run(words: &[&str], more: &[String]) -> CommandOutput {
    SERVICE_B.run(words, more).await
}

impl Process {
    /// Starts the server and waits for its startup log line.
    pub fn serve(arguments: &[String]) -> Self {
        let server = SERVICE_B.serve(arguments, "server started");
        let client = TestClient::new(format!("http://{}", server.started("address").unwrap()));
        Self { client, server }
    }

    /// Kills the process and returns everything that it has logged.
    pub fn kill_and_read_log(self) -> String {
        self.server.kill_and_read_log()
    }
}

impl Deref for Process {
    type Target = TestClient;

    fn deref(&self) -> &TestClient {
        &self.client
    }
}
