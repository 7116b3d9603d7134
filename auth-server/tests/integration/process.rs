//! The `auth-server` binary: commands that end, and servers that run.

use std::{ops::Deref, path::Path};

use test_support::process::{self, Program};

pub use test_support::process::{CommandOutput, set_arguments as set, terminate};

use crate::client::HttpClient;

pub const AUTH_SERVER: Program = Program::at(env!("CARGO_BIN_EXE_auth-server"));

/// A server in a process of its own. It is killed when it is dropped.
pub struct ServerProcess {
    pub client: HttpClient,
    /// The management listener.
    pub manage: HttpClient,
    /// The listener of the control API, if the settings turn it on.
    pub control: Option<HttpClient>,
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

/// Starts a server, which may have no plain HTTP listener.
pub fn serve(settings: &[String]) -> process::ServerProcess {
    AUTH_SERVER.serve(settings, "auth-server starts")
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
        Self::start_in(&[], settings)
    }

    /// Starts the server with these environment variables.
    pub fn start_in(environment: &[(&str, &str)], settings: &[String]) -> Self {
        let process = AUTH_SERVER.serve_in(environment, settings, "auth-server starts");
        let port = |name: &str| {
            process.started(name).and_then(|address| address.rsplit(':').next()).map(str::to_owned)
        };
        let optional =
            |name: &str| Some(HttpClient::new(format!("http://127.0.0.1:{}", port(name)?)));
        let client = |name: &str| optional(name).unwrap();
        Self {
            client: client("http"),
            manage: client("manage"),
            control: optional("control"),
            tls: port("tls").map(|port| format!("https://localhost:{port}")),
            process,
        }
    }

    /// Returns a string member of the log line that announced the addresses.
    pub fn started(&self, name: &str) -> Option<&str> {
        self.process.started(name)
    }

    /// Makes every write of the process to a file fail, or lets them succeed again.
    pub fn set_disk_full(&self, full: bool) {
        self.process.set_disk_full(full);
    }

    /// Returns whether the process has logged this text.
    pub fn has_logged(&self, text: &str) -> bool {
        self.process.has_logged(text)
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
