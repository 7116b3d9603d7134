//! Programs under test: commands that end, and servers that run.

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Write as _},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use serde_json::Value;

/// A built binary.
#[derive(Clone, Copy, Debug)]
pub struct Program(&'static str);

/// The exit code and the output of a command.
#[derive(Debug)]
pub struct CommandOutput {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A server in its own process, which is killed on drop.
pub struct ServerProcess {
    /// The log line with which the server announced its addresses.
    pub started: Value,
    child: Child,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

/// Converts settings to command-line arguments: `--set KEY=VALUE`.
pub fn set_arguments(pairs: &[(&str, &str)]) -> Vec<String> {
    pairs.iter().flat_map(|(key, value)| ["--set".to_owned(), format!("{key}={value}")]).collect()
}

impl Program {
    /// Creates a program from the path of its binary, which is `env!("CARGO_BIN_EXE_…")` in an
    /// integration test.
    pub const fn at(path: &'static str) -> Self {
        Self(path)
    }

    /// Returns a command without input whose output is piped.
    pub fn command(self, arguments: &[String]) -> Command {
        let mut command = Command::new(self.0);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the command with the arguments `words` and `more`, and waits for its end.
    pub async fn run(self, words: &[&str], more: &[String]) -> CommandOutput {
        self.run_with_input(words, more, "").await
    }

    /// Runs a command that reads `input` from standard input.
    pub async fn run_with_input(
        self,
        words: &[&str],
        more: &[String],
        input: &str,
    ) -> CommandOutput {
        let arguments: Vec<String> =
            words.iter().map(|&word| word.to_owned()).chain(more.iter().cloned()).collect();
        let input = input.to_owned();
        let run = move || {
            let mut child = self.command(&arguments).stdin(Stdio::piped()).spawn().unwrap();
            // Ignore errors: a command that reads no input may have exited already.
            let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
            child.wait_with_output().unwrap()
        };
        CommandOutput::of(&tokio::task::spawn_blocking(run).await.unwrap())
    }

    /// Runs a command and returns its output without trailing whitespace. Panics if the exit status
    /// is not 0.
    pub async fn succeed(self, words: &[&str], more: &[String]) -> String {
        let output = self.run(words, more).await;
        assert_eq!(output.code, Some(0), "{words:?}: {output:?}");
        output.stdout.trim_end().to_owned()
    }

    /// Starts a server that logs JSON, and waits for the log line that contains `started`.
    pub fn serve(self, arguments: &[String], started: &str) -> ServerProcess {
        self.serve_in(&[], arguments, started)
    }

    /// Starts a server like [`Program::serve`], with these environment variables.
    pub fn serve_in(
        self,
        environment: &[(&str, &str)],
        arguments: &[String],
        started: &str,
    ) -> ServerProcess {
        self.serve_after(":", environment, arguments, started)
    }

    /// Starts a server like [`Program::serve_in`], after a command of its shell such as `ulimit`.
    pub fn serve_after(
        self,
        shell_command: &str,
        environment: &[(&str, &str)],
        arguments: &[String],
        started: &str,
    ) -> ServerProcess {
        // Without SIGXFSZ, a write beyond the limit of `ServerProcess::set_disk_full` fails, as on
        // a full disk, instead of ending the process.
        let mut command = Command::new("sh");
        let script = format!("trap '' XFSZ; {shell_command}; exec \"$@\"");
        command.args(["-c", &script, "sh", self.0]).args(arguments);
        command.envs(environment.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (send, receive) = mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let reader = std::thread::spawn({
            let (log, started) = (Arc::clone(&log), started.to_owned());
            move || {
                for line in stderr.lines().map_while(Result::ok) {
                    if line.contains(&started) {
                        let _ = send.send(serde_json::from_str::<Value>(&line).unwrap());
                    }
                    writeln!(log.lock().unwrap(), "{line}").unwrap();
                }
            }
        });
        let mut process = ServerProcess { started: Value::Null, child, log, reader: Some(reader) };
        process.started = receive
            .recv_timeout(Duration::from_secs(60))
            .unwrap_or_else(|_| panic!("no `{started}`: {}", process.log.lock().unwrap()));
        process
    }
}

/// Asks a process to stop, as a container engine does, and waits until it has exited.
pub async fn terminate(process: Child) -> CommandOutput {
    ask_to_stop(&process);
    let wait = move || process.wait_with_output().unwrap();
    CommandOutput::of(&tokio::task::spawn_blocking(wait).await.unwrap())
}

impl CommandOutput {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }
}

impl ServerProcess {
    /// Returns a string member of the log line that announced the addresses.
    pub fn started(&self, name: &str) -> Option<&str> {
        self.started[name].as_str()
    }

    /// Returns whether the process has logged this text.
    pub fn has_logged(&self, text: &str) -> bool {
        self.log.lock().unwrap().contains(text)
    }

    /// Makes every write of the process to a file fail, or lets them succeed again.
    pub fn set_disk_full(&self, full: bool) {
        let limit = if full { "--fsize=0:" } else { "--fsize=unlimited:" };
        let pid = self.child.id().to_string();
        let status = Command::new("prlimit").args([limit, "--pid", &pid]).status().unwrap();
        assert!(status.success(), "prlimit: {status}");
    }

    /// Asks the process to stop, as a container engine does, and waits until it has exited. Returns
    /// its exit code.
    pub async fn terminate(mut self) -> Option<i32> {
        ask_to_stop(&self.child);
        let wait = move || self.child.wait().unwrap().code();
        tokio::task::spawn_blocking(wait).await.unwrap()
    }

    /// Kills the process and waits until it is gone.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Kills the process and returns everything that it has logged.
    pub fn kill_and_read_log(mut self) -> String {
        self.kill();
        self.reader.take().unwrap().join().unwrap();
        std::mem::take(&mut *self.log.lock().unwrap())
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // Ignore errors: the process may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ask_to_stop(process: &Child) {
    let pid = process.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
}
