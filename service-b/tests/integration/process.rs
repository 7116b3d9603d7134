//! Runs the real binary: commands that end, and a server.

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader},
    ops::Deref,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use serde_json::Value;

use crate::client::TestClient;

/// The exit code and the output of a command.
#[derive(Debug)]
pub struct CommandOutput {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// A server in its own process, which is killed on drop.
pub struct Process {
    pub client: TestClient,
    child: Child,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

fn binary(arguments: &[String]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_service-b"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a command and waits for its end.
pub async fn run(words: &[&str], more: &[String]) -> CommandOutput {
    let arguments: Vec<String> =
        words.iter().map(|&word| word.to_owned()).chain(more.iter().cloned()).collect();
    command_output(
        &tokio::task::spawn_blocking(move || binary(&arguments).output().unwrap()).await.unwrap(),
    )
}

fn command_output(output: &Output) -> CommandOutput {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    CommandOutput {
        code: output.status.code(),
        out: text(&output.stdout),
        err: text(&output.stderr),
    }
}

/// Converts settings to command-line arguments: `--set KEY=VALUE`.
pub fn set(pairs: &[(&str, &str)]) -> Vec<String> {
    pairs.iter().flat_map(|(key, value)| ["--set".to_owned(), format!("{key}={value}")]).collect()
}

impl Process {
    /// Starts the server and reads its address from its log.
    pub fn serve(arguments: &[String]) -> Self {
        let mut child = binary(arguments).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (started, starts) = mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let reader = std::thread::spawn({
            let log = Arc::clone(&log);
            move || {
                for line in stderr.lines().map_while(Result::ok) {
                    if line.contains("server started") {
                        let _ = started.send(serde_json::from_str::<Value>(&line).unwrap());
                    }
                    writeln!(log.lock().unwrap(), "{line}").unwrap();
                }
            }
        });
        let line = starts
            .recv_timeout(Duration::from_secs(60))
            .unwrap_or_else(|_| panic!("{}", log.lock().unwrap()));
        let client = TestClient::new(format!("http://{}", line["address"].as_str().unwrap()));
        Self { client, child, log, reader: Some(reader) }
    }

    /// Kills the process and returns everything that it has logged.
    pub fn kill_and_read_log(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.reader.take().unwrap().join().unwrap();
        std::mem::take(&mut *self.log.lock().unwrap())
    }
}

impl Deref for Process {
    type Target = TestClient;

    fn deref(&self) -> &TestClient {
        &self.client
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Ignore errors: the process may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
