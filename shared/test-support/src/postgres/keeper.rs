//! Runs PostgreSQL with a watchdog shell that outlives the test process and stops PostgreSQL,
//! however the tests end.

use std::{
    fs::File,
    io::Write,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
};

/// The watchdog script. Standard input reaches its end when the test process ends. The script then
/// stops PostgreSQL (process id `$1`) and deletes its folder (`$2`), in which a disk may be
/// mounted. A line on standard input makes it exit without doing so.
const WATCH: &str = r#"
read -r _ && exit
kill -QUIT "$1"
for _ in $(seq 100); do kill -0 "$1" 2>/dev/null || break; sleep 0.1; done
umount -l "$2/data" 2>/dev/null
rm -rf -- "$2"
"#;

pub struct Keeper {
    postgres: Child,
    watch: Child,
}

impl Keeper {
    /// Starts PostgreSQL. Its output is appended to the file `log` in `folder`.
    pub fn start(folder: &Path, words: &[&str]) -> Self {
        let log = File::options().append(true).create(true).open(folder.join("log")).unwrap();
        let mut postgres = Command::new(words[0]);
        postgres
            .args(&words[1..])
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        // Both processes get their own process group: Ctrl-C must end only the tests, after which
        // the watchdog stops PostgreSQL.
        let postgres = postgres.process_group(0).spawn().unwrap();
        let mut watch = Command::new("sh");
        watch.args(["-c", WATCH, "sh", &postgres.id().to_string()]).arg(folder).current_dir("/");
        Self { postgres, watch: watch.stdin(Stdio::piped()).process_group(0).spawn().unwrap() }
    }

    pub fn is_running(&mut self) -> bool {
        self.postgres.try_wait().unwrap().is_none()
    }

    /// Kills PostgreSQL with SIGKILL if it is running, and keeps its files.
    pub fn kill(&mut self) {
        self.postgres.kill().unwrap();
        self.wait();
    }

    /// Waits until PostgreSQL has exited, and keeps its files.
    pub fn wait(&mut self) {
        self.postgres.wait().unwrap();
        if let Some(mut watch) = self.watch.stdin.take() {
            watch.write_all(b"exit\n").unwrap();
        }
        self.watch.wait().unwrap();
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.watch.stdin.take());
        // Ignore errors: the processes may have exited already.
        let _ = self.postgres.wait();
        let _ = self.watch.wait();
    }
}
