use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};

use crate::{connection::Connection, requests};

const START_TIMEOUT: Duration = Duration::from_secs(20);
/// How often to try to connect. Short, so that it adds nothing to the measured time.
const CONNECT_INTERVAL: Duration = Duration::from_micros(200);

/// C in its own process.
pub struct Process {
    child: Child,
    pub address: SocketAddr,
}

/// Memory of a process, in megabytes of 10^6 bytes.
pub struct Memory {
    pub resident: f64,
    pub peak: f64,
}

impl Process {
    pub fn start(binary: &Path, data: &Path) -> anyhow::Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let settings = [
            format!("data_dir={}", data.display()),
            format!("listen={address}"),
            "tls_listen=127.0.0.1:0".to_owned(),
        ];
        let child = Command::new(binary)
            .arg("auth-server")
            .args(settings.iter().flat_map(|setting| ["--set", setting]))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        Ok(Self { child, address })
    }

    /// Requests a token until C issues one.
    pub fn first_token(&self) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let deadline = Instant::now() + START_TIMEOUT;
        runtime.block_on(async {
            let mut connection = loop {
                match Connection::open(self.address).await {
                    Ok(connection) => break connection,
                    Err(error) => ensure!(Instant::now() < deadline, "C does not listen: {error}"),
                }
                thread::sleep(CONNECT_INTERVAL);
            };
            connection.call(&requests::token()).await.map(|_| ())
        })
    }

    pub fn memory(&self) -> anyhow::Result<Memory> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        Ok(Memory { resident: megabytes(&status, "VmRSS:")?, peak: megabytes(&status, "VmHWM:")? })
    }

    /// Stops the process with SIGTERM.
    pub fn stop(mut self) -> anyhow::Result<()> {
        let signalled = Command::new("kill").arg(self.child.id().to_string()).status()?;
        ensure!(signalled.success() && self.child.wait()?.success(), "C did not stop cleanly");
        Ok(())
    }
}

/// Kills the process if the run fails.
impl Drop for Process {
    fn drop(&mut self) {
        // Fails if the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn megabytes(status: &str, name: &str) -> anyhow::Result<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kibibytes: f64 = line
        .and_then(|line| line.trim().strip_suffix(" kB"))
        .context("no memory figures")?
        .parse()?;
    Ok(kibibytes * 1_024.0 / 1e6)
}
