//! A replica of C: the program, in a process of its own.

use std::path::{Path, PathBuf};

use test_support::{
    http::TestClient,
    process::{Program, ServerProcess, set_arguments},
    wait::until,
};

use crate::proxy::{Backend, free_address};

const AUTH_SERVER: Program = Program::at(env!("CARGO_BIN_EXE_auth-server-process"));
/// A loopback address for the replicas only.
const HOST: &str = "127.0.0.4";
const LIBFAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

/// A replica, which keeps its addresses and its settings when it restarts.
pub struct Replica {
    pub addresses: Backend,
    pub client: TestClient,
    pub manage: TestClient,
    arguments: Vec<String>,
    /// A file with the offset of the clock of the process, as libfaketime reads it.
    clock: Option<PathBuf>,
    process: Option<ServerProcess>,
}

impl Replica {
    /// Starts a replica and waits until it is ready. With `clock`, its time is that of the system
    /// plus the offset in the file.
    pub async fn start(
        folder: &Path,
        database_url: &str,
        settings: &[(&str, &str)],
        clock: Option<PathBuf>,
    ) -> Self {
        let addresses = Backend { listen: free_address(HOST), manage: free_address(HOST) };
        let folder = tempfile::tempdir_in(folder).unwrap().keep();
        let own = [
            ("profile", "test"),
            ("listen", &addresses.listen.to_string()),
            ("tls_listen", ""),
            ("manage_listen", &addresses.manage.to_string()),
            ("data_dir", &folder.display().to_string()),
            ("database_url", database_url),
            // The host that the load balancer is called by.
            ("allowed_hosts", "127.0.0.5"),
            ("limits.drain_delay_seconds", "2"),
            ("log.format", "json"),
            ("log.filter", "warn,auth_server=info"),
        ];
        let client = |address| TestClient::new(format!("http://{address}"));
        let mut replica = Self {
            addresses,
            client: client(addresses.listen),
            manage: client(addresses.manage),
            arguments: set_arguments(&[&own, settings].concat()),
            clock,
            process: None,
        };
        replica.start_again().await;
        replica
    }

    /// Starts the program on its addresses and waits until it is ready.
    pub async fn start_again(&mut self) {
        let clock = self.clock.as_ref().map(|file| file.display().to_string());
        let environment = match &clock {
            Some(file) => {
                assert!(Path::new(LIBFAKETIME).exists(), "install libfaketime");
                &[
                    ("LD_PRELOAD", LIBFAKETIME),
                    ("FAKETIME_TIMESTAMP_FILE", file),
                    ("FAKETIME_NO_CACHE", "1"),
                    // As on a real system: only the time of day steps.
                    ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
                ][..]
            }
            None => &[],
        };
        let process = AUTH_SERVER.serve_in(environment, &self.arguments, "auth-server starts");
        self.process = Some(process);
        until("the replica is ready", async || {
            self.is_listening() && self.manage.get("/readyz?deep").await.status == 200
        })
        .await;
    }

    fn is_listening(&self) -> bool {
        std::net::TcpStream::connect(self.addresses.manage).is_ok()
    }

    /// Stops the program as a container engine does, and waits for its end.
    pub async fn stop(&mut self) {
        let code = self.process.take().unwrap().terminate().await;
        assert_eq!(code, Some(0));
    }

    /// Kills the program with SIGKILL.
    pub fn kill(&mut self) {
        self.process.take().unwrap().kill();
    }

    /// Returns how many token requests this process has answered.
    pub async fn token_requests(&self) -> u64 {
        let metrics = self.manage.get("/metrics").await.text;
        let lines = metrics.lines().filter(|line| {
            line.starts_with("gatepass_http_requests_total") && line.contains("\"/oauth/token\"")
        });
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    }

    /// Runs a command of C with the settings of this replica.
    pub async fn command(&self, words: &[&str]) -> String {
        AUTH_SERVER.succeed(words, &self.arguments).await
    }
}
