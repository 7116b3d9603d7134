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

const START_LIMIT: Duration = Duration::from_secs(20);
/// How often a process that does not listen yet is asked: often enough to add nothing to what is
/// measured.
const ASK_EVERY: Duration = Duration::from_micros(200);

/// C in a process of its own.
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
            // As in the image.
            .env("GLIBC_TUNABLES", "glibc.malloc.mmap_threshold=1048576")
            .arg("auth-server")
            .args(settings.iter().flat_map(|setting| ["--set", setting]))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("{} cannot be started", binary.display()))?;
        Ok(Self { child, address })
    }

    /// Ask for a token until there is one.
    pub fn first_token(&self) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let deadline = Instant::now() + START_LIMIT;
        runtime.block_on(async {
            let mut connection = loop {
                match Connection::open(self.address).await {
                    Ok(connection) => break connection,
                    Err(error) => ensure!(Instant::now() < deadline, "C does not listen: {error}"),
                }
                thread::sleep(ASK_EVERY);
            };
            connection.call(&requests::token()).await.map(|_| ())
        })
    }

    pub fn memory(&self) -> anyhow::Result<Memory> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        Ok(Memory { resident: megabytes(&status, "VmRSS:")?, peak: megabytes(&status, "VmHWM:")? })
    }

    /// As an orchestrator stops it.
    pub fn stop(mut self) -> anyhow::Result<()> {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status()?;
        ensure!(asked.success() && self.child.wait()?.success(), "C did not stop in peace");
        Ok(())
    }
}

/// A run that fails leaves no process behind.
impl Drop for Process {
    fn drop(&mut self) {
        // It fails for one that has ended already.
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
