use std::{
    fs,
    io::{self, BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStderr, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};

use crate::{connection::Connection, requests, result::BenchResult};

const START_TIMEOUT: Duration = Duration::from_secs(20);
/// The time that the system needs to reclaim freed memory.
const SETTLE_TIME: Duration = Duration::from_secs(2);
/// How often to try to connect. Short, so that it adds nothing to the measured time.
const CONNECT_INTERVAL: Duration = Duration::from_micros(200);

/// C or a limit in its own process.
pub struct Process {
    child: Child,
    pub address: SocketAddr,
}

impl Process {
    pub fn start(binary: &Path, data: &Path) -> anyhow::Result<Self> {
        Self::start_with(binary, data, &["tls_listen=127.0.0.1:0".to_owned()])
    }

    /// Starts C with more settings, and without the environment of this process.
    pub fn start_with(binary: &Path, data: &Path, more: &[String]) -> anyhow::Result<Self> {
        let own = ["listen=127.0.0.1:0", "log.format=json"].map(str::to_owned);
        let own = own.into_iter().chain([format!("data_dir={}", data.display())]);
        let settings = own.chain(more.iter().cloned());
        let mut command = Command::new(binary);
        command
            .arg("auth-server")
            .args(settings.flat_map(|setting| ["--set".to_owned(), setting]))
            .env_clear();
        Self::spawn(&mut command)
    }

    /// Starts a server that logs its address as C does.
    pub fn spawn(command: &mut Command) -> anyhow::Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let log = child.stderr.take().context("no log")?;
        Ok(Self { child, address: address_in(BufReader::new(log))? })
    }

    /// Requests a token until C issues one.
    pub fn first_token(&self) -> anyhow::Result<()> {
        self.first_response(&requests::token())
    }

    /// Tries to connect until C listens, and sends a request, which must get status 200.
    pub fn first_response(&self, request: &[u8]) -> anyhow::Result<()> {
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
            connection.call(request).await.map(|_| ())
        })
    }

    /// Measures the memory in megabytes of 10^6 bytes, after the system has reclaimed what was
    /// freed.
    pub fn settled_memory(
        &self,
        measure: &'static str,
        target: f64,
    ) -> anyhow::Result<BenchResult> {
        thread::sleep(SETTLE_TIME);
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let (resident, peak) = (megabytes(&status, "VmRSS:")?, megabytes(&status, "VmHWM:")?);
        Ok(BenchResult::at_most(measure, resident, "MB", target, &format!(" (peak {peak:.1})")))
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

/// Returns the address in the log line of the start. Reads the rest of the log and drops it, so
/// that the process never waits for its reader.
fn address_in(mut log: BufReader<ChildStderr>) -> anyhow::Result<SocketAddr> {
    let mut line = String::new();
    while !line.contains("starts to serve") {
        line.clear();
        ensure!(log.read_line(&mut line)? > 0, "C has exited");
    }
    thread::spawn(move || io::copy(&mut log, &mut io::sink()));
    let started: serde_json::Value = serde_json::from_str(&line)?;
    Ok(started["http"].as_str().context("C announced no address")?.parse()?)
}

/// Returns the resident memory of this process, in megabytes of 10^6 bytes.
pub fn own_memory() -> anyhow::Result<f64> {
    megabytes(&fs::read_to_string("/proc/self/status")?, "VmRSS:")
}

fn megabytes(status: &str, name: &str) -> anyhow::Result<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kibibytes: f64 = line
        .and_then(|line| line.trim().strip_suffix(" kB"))
        .context("no memory figures")?
        .parse()?;
    Ok(kibibytes * 1_024.0 / 1e6)
}
