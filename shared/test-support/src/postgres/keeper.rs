//! PostgreSQL with a shell beside it that outlives the tests: however they end, PostgreSQL ends
//! after them.

use std::{
    fs::File,
    io::Write,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
};

/// The end of standard input comes with the end of the tests: then PostgreSQL, `$1`, is stopped,
/// and its folder, `$2`, taken away. A line before that tells that there is nothing to do.
const WATCH: &str = r#"
read -r _ && exit
kill -QUIT "$1"
for _ in $(seq 100); do kill -0 "$1" 2>/dev/null || break; sleep 0.1; done
rm -rf -- "$2"
"#;

pub struct Keeper {
    postgres: Child,
    watch: Child,
}

impl Keeper {
    /// Start PostgreSQL; what it says goes into the folder's file `log`.
    pub fn start(folder: &Path, words: &[&str]) -> Self {
        let log = File::options().append(true).create(true).open(folder.join("log")).unwrap();
        let mut postgres = Command::new(words[0]);
        postgres
            .args(&words[1..])
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        // Ctrl-C is for the tests: who is beside them ends after them, in order.
        let postgres = postgres.process_group(0).spawn().unwrap();
        let mut watch = Command::new("sh");
        watch.args(["-c", WATCH, "sh", &postgres.id().to_string()]).arg(folder).current_dir("/");
        Self { postgres, watch: watch.stdin(Stdio::piped()).process_group(0).spawn().unwrap() }
    }

    pub fn is_running(&mut self) -> bool {
        self.postgres.try_wait().unwrap().is_none()
    }

    /// End PostgreSQL with `kill -9`, if it still runs, and leave its files.
    pub fn kill(&mut self) {
        if let Some(mut watch) = self.watch.stdin.take() {
            watch.write_all(b"nothing to do\n").unwrap();
        }
        self.watch.wait().unwrap();
        self.postgres.kill().unwrap();
        self.postgres.wait().unwrap();
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.watch.stdin.take());
        // They may be gone already.
        let _ = self.postgres.wait();
        let _ = self.watch.wait();
    }
}
