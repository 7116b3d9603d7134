//! The real binary in a process of its own.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread::JoinHandle,
    time::Duration,
};

const LIMIT: Duration = Duration::from_secs(60);

/// The demo while it runs.
pub struct Launcher {
    child: Child,
    lines: Receiver<String>,
    errors: Option<JoinHandle<String>>,
}

/// How it ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Launcher {
    /// The demo on this data folder.
    pub fn start(data_dir: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gatepass"));
        command.arg("--data-dir").arg(data_dir).args(arguments);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (out, mut err) =
            (BufReader::new(child.stdout.take().unwrap()), child.stderr.take().unwrap());
        let (say, lines) = channel();
        std::thread::spawn(move || {
            out.lines().map_while(Result::ok).try_for_each(|line| say.send(line))
        });
        let errors = std::thread::spawn(move || {
            let mut said = String::new();
            err.read_to_string(&mut said).unwrap();
            said
        });
        Self { child, lines, errors: Some(errors) }
    }

    /// What it prints until this line has come, with it.
    pub fn until_printed(&self, part: &str) -> String {
        let mut printed = String::new();
        while !printed.contains(part) {
            match self.lines.recv_timeout(LIMIT) {
                Ok(line) => printed.extend([&line, "\n"]),
                Err(error) => panic!("`{part}` was never printed ({error}), but:\n{printed}"),
            }
        }
        printed
    }

    /// As Ctrl-C (`INT`) or a container engine (`TERM`) does.
    pub fn signal(&self, name: &str) {
        let send = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &send]).status().unwrap().success());
    }

    /// Wait until it has ended by itself.
    pub fn ended(mut self) -> Ended {
        let mut out = String::new();
        loop {
            match self.lines.recv_timeout(LIMIT) {
                Ok(line) => out.extend([&line, "\n"]),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end; it has printed:\n{out}"),
            }
        }
        let err = self.errors.take().unwrap().join().unwrap();
        Ended { code: self.child.wait().unwrap().code(), out, err }
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
