//! The real binary: as a command that ends, and as a server that runs.

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Write as _},
    ops::Deref,
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use serde_json::Value;

use crate::client::HttpClient;

/// What a command said, and how it ended.
#[derive(Debug)]
pub struct CommandOutput {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A server in a process of its own.
pub struct ServerProcess {
    pub client: HttpClient,
    pub tls: Option<String>,
    child: Child,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

fn binary(arguments: &[String]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auth-server"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Run a command to its end.
pub async fn run(args: &[&str], more: &[String]) -> CommandOutput {
    run_with_input(args, more, "").await
}

/// Run a command that reads from standard input.
pub async fn run_with_input(args: &[&str], more: &[String], input: &str) -> CommandOutput {
    let arguments: Vec<String> =
        args.iter().map(|&word| word.to_owned()).chain(more.iter().cloned()).collect();
    let input = input.to_owned();
    let run = move || {
        let mut child = binary(&arguments).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    command_output(&tokio::task::spawn_blocking(run).await.unwrap())
}

/// Run a command that has to succeed; what it printed, without the last line end.
pub async fn succeed(args: &[&str], more: &[String]) -> String {
    let command_output = run(args, more).await;
    assert_eq!(command_output.code, Some(0), "{args:?}: {command_output:?}");
    command_output.stdout.trim_end().to_owned()
}

fn command_output(output: &Output) -> CommandOutput {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    CommandOutput {
        code: output.status.code(),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    }
}

/// Settings as the command line takes them.
pub fn set(pairs: &[(&str, &str)]) -> Vec<String> {
    pairs.iter().flat_map(|(key, value)| ["--set".to_owned(), format!("{key}={value}")]).collect()
}

/// Settings of a server on a data folder, on ports that the system chooses.
pub fn server_settings(data: &Path, clients: &Path) -> Vec<String> {
    set(&[
        ("data_dir", &data.display().to_string()),
        ("clients_file", &clients.display().to_string()),
        ("listen", "127.0.0.1:0"),
        ("tls_listen", "127.0.0.1:0"),
        ("log.format", "json"),
    ])
}

impl ServerProcess {
    /// Start the server, and learn from its log where it listens.
    pub fn start(arguments: &[String]) -> Self {
        let mut child = binary(arguments).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (started, starts) = mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let reader = std::thread::spawn({
            let log = Arc::clone(&log);
            move || {
                for line in stderr.lines().map_while(Result::ok) {
                    if line.contains("auth-server starts") {
                        let _ = started.send(serde_json::from_str::<Value>(&line).unwrap());
                    }
                    writeln!(log.lock().unwrap(), "{line}").unwrap();
                }
            }
        });
        let line = starts
            .recv_timeout(Duration::from_secs(60))
            .unwrap_or_else(|_| panic!("{}", log.lock().unwrap()));
        let port = |key: &str| {
            line[key].as_str().and_then(|address| address.rsplit(':').next().map(str::to_owned))
        };
        Self {
            client: HttpClient::new(format!("http://127.0.0.1:{}", port("http").unwrap())),
            tls: port("tls").map(|port| format!("https://localhost:{port}")),
            child,
            log,
            reader: Some(reader),
        }
    }

    /// End the process as a power cut would, and wait until it is gone.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// End the process, and read all that it has logged.
    pub fn kill_and_read_log(mut self) -> String {
        self.kill();
        self.reader.take().unwrap().join().unwrap();
        std::mem::take(&mut *self.log.lock().unwrap())
    }
}

impl Deref for ServerProcess {
    type Target = HttpClient;

    fn deref(&self) -> &HttpClient {
        &self.client
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
