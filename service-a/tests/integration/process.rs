//! The real binary, as a command and as a server.

use std::ops::Deref;

use service_a::ServiceASettings;
use test_support::{
    http::TestClient,
    process::{Program, ServerProcess, set_arguments},
};

pub const SERVICE_A: Program = Program::at(env!("CARGO_BIN_EXE_service-a"));

/// A server in a process of its own, and a client of it.
pub struct Process {
    pub client: TestClient,
    /// The management listener.
    pub manage: TestClient,
    server: ServerProcess,
}

/// Returns the settings as command line arguments, followed by `more`.
pub fn settings_arguments(settings: &ServiceASettings, more: &[(&str, &str)]) -> Vec<String> {
    let base = [
        ("issuer", settings.issuer.as_str()),
        ("client_secret", settings.client_secret.as_ref().unwrap().expose()),
        ("targets.local.url", &settings.targets.local.url),
        ("targets.local.resource", &settings.targets.local.resource),
        ("targets.introspection.url", &settings.targets.introspection.url),
        ("targets.introspection.resource", &settings.targets.introspection.resource),
        ("data_dir", settings.data_dir.to_str().unwrap()),
        ("listen", "127.0.0.1:0"),
        ("manage_listen", "127.0.0.1:0"),
        ("log.format", "json"),
    ];
    set_arguments(&[&base[..], more].concat())
}

impl Process {
    /// Starts the server and reads its address from the log.
    pub fn serve(arguments: &[String]) -> Self {
        let server = SERVICE_A.serve(arguments, "server started");
        let client = |name| TestClient::new(format!("http://{}", server.started(name).unwrap()));
        Self { client: client("address"), manage: client("manage"), server }
    }

    /// Makes every write of the process to a file fail, or lets them succeed again.
    pub fn set_disk_full(&self, full: bool) {
        self.server.set_disk_full(full);
    }

    /// Kills the process and returns its log.
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
