//! The `auth-server` binary: commands that end, and servers that run.

use std::{ops::Deref, path::Path};

use test_support::process::{self, Program};

pub use test_support::process::{CommandOutput, set_arguments as set};

use crate::client::HttpClient;

const AUTH_SERVER: Program = Program::at(env!("CARGO_BIN_EXE_auth-server"));

/// A server in a process of its own. It is killed when it is dropped.
pub struct ServerProcess {
    pub client: HttpClient,
    /// The management listener.
    pub manage: HttpClient,
    /// The origin of the TLS listener.
    pub tls: Option<String>,
    process: process::ServerProcess,
}

/// Runs a command: `args`, then `settings`.
pub async fn run(args: &[&str], settings: &[String]) -> CommandOutput {
    AUTH_SERVER.run(args, settings).await
}

/// Runs a command that reads `input` from standard input.
pub async fn run_with_input(args: &[&str], settings: &[String], input: &str) -> CommandOutput {
    AUTH_SERVER.run_with_input(args, settings, input).await
}

/// Runs a command that has to exit with status 0. Returns its output without the last line end.
pub async fn succeed(args: &[&str], settings: &[String]) -> String {
    AUTH_SERVER.succeed(args, settings).await
}

/// Settings of a server on a data directory, with ports that the system chooses.
pub fn server_settings(data: &Path, clients: &Path) -> Vec<String> {
    set(&[
        ("data_dir", &data.display().to_string()),
        ("clients_file", &clients.display().to_string()),
        ("listen", "127.0.0.1:0"),
        ("tls_listen", "127.0.0.1:0"),
        ("manage_listen", "127.0.0.1:0"),
        ("log.format", "json"),
    ])
}

impl ServerProcess {
    /// Starts the server and takes its addresses from its log.
    pub fn start(settings: &[String]) -> Self {
        let process = AUTH_SERVER.serve(settings, "auth-server starts");
        let port = |name: &str| {
            process.started(name).and_then(|address| address.rsplit(':').next()).map(str::to_owned)
        };
        let client =
            |name: &str| HttpClient::new(format!("http://127.0.0.1:{}", port(name).unwrap()));
        Self {
            client: client("http"),
            manage: client("manage"),
            tls: port("tls").map(|port| format!("https://localhost:{port}")),
            process,
        }
    }

    /// Makes every write of the process to a file fail, or lets them succeed again.
    pub fn set_disk_full(&self, full: bool) {
        self.process.set_disk_full(full);
    }

    /// Kills the process and waits until it is gone.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Kills the process and returns everything that it has logged.
    pub fn kill_and_read_log(self) -> String {
        self.process.kill_and_read_log()
    }
}

impl Deref for ServerProcess {
    type Target = HttpClient;

    fn deref(&self) -> &HttpClient {
        &self.client
    }
}
