//! The launcher in its own process.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread::JoinHandle,
    time::Duration,
};

const TIMEOUT: Duration = Duration::from_secs(60);

/// A running launcher.
pub struct Launcher {
    child: Child,
    lines: Receiver<String>,
    errors: Option<JoinHandle<String>>,
}

/// The result of a launcher that has exited.
#[derive(Debug)]
pub struct Exited {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Launcher {
    /// Starts the demo with this data folder.
    pub fn start(data_dir: &Path, arguments: &[&str]) -> Self {
        Self::start_in(&[], data_dir, arguments)
    }

    /// Starts the demo with additional environment variables.
    pub fn start_in(environment: &[(&str, &str)], data_dir: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gatepass"));
        command.arg("--data-dir").arg(data_dir).args(arguments).envs(environment.iter().copied());
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (out, mut err) =
            (BufReader::new(child.stdout.take().unwrap()), child.stderr.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let errors = std::thread::spawn(move || {
            let mut output = String::new();
            err.read_to_string(&mut output).unwrap();
            output
        });
        Self { child, lines, errors: Some(errors) }
    }

    /// Returns the output up to the first line that contains `part`.
    pub fn until_printed(&self, part: &str) -> String {
        let mut printed = String::new();
        while !printed.contains(part) {
            match self.lines.recv_timeout(TIMEOUT) {
                Ok(line) => printed.extend([&line, "\n"]),
                Err(error) => panic!("`{part}` was not printed ({error}); output:\n{printed}"),
            }
        }
        printed
    }

    /// Sends a signal: `INT` as Ctrl-C does, `TERM` as a container engine does.
    pub fn signal(&self, name: &str) {
        let send = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &send]).status().unwrap().success());
    }

    /// Waits for the process to exit.
    pub fn wait(mut self) -> Exited {
        let mut out = String::new();
        loop {
            match self.lines.recv_timeout(TIMEOUT) {
                Ok(line) => out.extend([&line, "\n"]),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("the launcher does not exit; output:\n{out}")
                }
            }
        }
        let err = self.errors.take().unwrap().join().unwrap();
        Exited { code: self.child.wait().unwrap().code(), out, err }
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        // Fails if the process has exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
