//! A PostgreSQL cluster in a temporary folder, on a loopback address that nothing else uses.

use std::{
    ffi::OsStr,
    fs,
    io::{ErrorKind, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    keeper::Keeper,
    programs::{hand_over, program, succeed, unprivileged},
};

/// A loopback address for these clusters only, so that no other program takes the port of a cluster
/// while it restarts.
pub const HOST: &str = "127.0.0.3";
/// The role that the servers connect as. It is not a superuser.
pub const ACCOUNT: &str = "gatepass";
/// Contains characters that must be percent-encoded in a URL.
pub const PASSWORD: &str = "p@ss/w#rd?% 7c1e";
pub const PASSWORD_IN_URL: &str = "p%40ss%2Fw%23rd%3F%25%207c1e";

pub struct Cluster {
    folder: PathBuf,
    port: u16,
    keeper: Keeper,
    databases: AtomicU32,
}

/// Returns the cluster that most tests share, and starts it on the first call.
pub fn shared() -> &'static Cluster {
    static SHARED: LazyLock<Cluster> = LazyLock::new(Cluster::start);
    &SHARED
}

/// A stopped server.
pub struct Frozen<'a>(&'a Cluster);

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        self.0.resume();
    }
}

impl Cluster {
    pub fn start() -> Self {
        Self::start_in(new_folder())
    }

    /// Starts a cluster whose data is on a disk of its own with this many megabytes, which
    /// [`Cluster::fill_disk`] fills. Requires the right to mount.
    pub fn start_on_disk_of(megabytes: u32) -> Self {
        let folder = new_folder();
        let data = folder.join("data");
        fs::create_dir(&data).unwrap();
        let options = format!("size={megabytes}m");
        succeed(&["mount", "-t", "tmpfs", "-o", &options, "tmpfs", &text(&data)], &[]);
        hand_over(&data);
        fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
        Self::start_in(folder)
    }

    fn start_in(folder: PathBuf) -> Self {
        let password = folder.join("password");
        fs::write(&password, PASSWORD).unwrap();
        hand_over(&password);
        let (initdb, pwfile) = (text(&program("initdb")), format!("--pwfile={}", text(&password)));
        let data = text(&folder.join("data"));
        let words = [
            &*initdb,
            "--auth=scram-sha-256",
            "--username=postgres",
            "--encoding=UTF8",
            "--no-locale",
        ];
        succeed(&unprivileged(&[&words[..], &["--no-sync", &pwfile, &data]].concat()), &[]);
        let port = TcpListener::bind((HOST, 0)).unwrap().local_addr().unwrap().port();
        let keeper = run(&folder, port);
        let mut cluster = Self { folder, port, keeper, databases: AtomicU32::new(0) };
        cluster.wait();
        cluster.execute(&format!("CREATE ROLE {ACCOUNT} LOGIN PASSWORD '{PASSWORD}'"));
        cluster
    }

    /// Creates an empty database owned by [`ACCOUNT`] and returns its URL.
    pub fn fresh_database(&self) -> String {
        let name = format!("fresh_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.execute(&format!("CREATE DATABASE {name} OWNER {ACCOUNT} TEMPLATE template0"));
        self.url(&name)
    }

    pub fn url(&self, database: &str) -> String {
        format!("postgres://{ACCOUNT}:{PASSWORD_IN_URL}@{HOST}:{}/{database}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the folder with the data, the log and the Unix socket.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs a statement as superuser in the database `postgres` and returns its output.
    pub fn execute(&self, statement: &str) -> String {
        self.execute_in("postgres", statement)
    }

    /// Runs a statement as superuser in `database` and returns its output.
    pub fn execute_in(&self, database: &str, statement: &str) -> String {
        let (psql, port) = (text(&program("psql")), self.port.to_string());
        let words = [
            &*psql,
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            "postgres",
            "-d",
            database,
        ];
        let words = [&words[..], &["-h", HOST, "-p", &port, "-c", statement]].concat();
        succeed(&words, &[("PGPASSWORD", OsStr::new(PASSWORD))])
    }

    /// Stops all processes of the server with SIGSTOP until the returned value is dropped. Its
    /// connections stay open and receive nothing.
    pub fn freeze(&self) -> Frozen<'_> {
        let postmaster = self.postmaster();
        // The postmaster first: until it has stopped, it can start further processes.
        let script = format!(
            "kill -STOP {postmaster}; until grep -q '^State:.T' /proc/{postmaster}/status; do :; done; \
             kill -STOP $(pgrep -P {postmaster})"
        );
        succeed(&["sh", "-c", &script], &[]);
        Frozen(self)
    }

    /// Takes all space that is left on the disk of the data.
    pub fn fill_disk(&self) {
        let mut filler = fs::File::create(self.filler()).unwrap();
        let zeros = [0; 64 * 1024];
        let full = std::iter::repeat_with(|| filler.write_all(&zeros)).find_map(Result::err);
        assert_eq!(full.unwrap().kind(), ErrorKind::StorageFull);
    }

    /// Returns the space that [`Cluster::fill_disk`] has taken.
    pub fn free_disk(&self) {
        fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("data").join("filler")
    }

    /// Starts PostgreSQL again if it has stopped by itself.
    pub fn restart_if_stopped(&mut self) {
        if !self.keeper.is_running() {
            self.restart();
        }
    }

    fn postmaster(&self) -> String {
        let file = fs::read_to_string(self.folder.join("data").join("postmaster.pid")).unwrap();
        file.lines().next().unwrap().to_owned()
    }

    fn resume(&self) {
        let postmaster = self.postmaster();
        let script = format!("kill -CONT {postmaster} $(pgrep -P {postmaster})");
        succeed(&["sh", "-c", &script], &[]);
    }

    /// Kills the server process with SIGKILL, which leaves the files as a crash would.
    pub fn kill(&mut self) {
        self.keeper.kill();
    }

    /// Stops the server as an administrator does: it ends all connections (fast shutdown).
    pub fn stop(&mut self) {
        let postmaster = self.postmaster();
        succeed(&["kill", "-INT", &postmaster], &[]);
        self.keeper.wait();
    }

    /// Starts PostgreSQL again on the same files and the same port.
    pub fn restart(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        // Child processes of the killed server may still hold its shared memory. A new server does
        // not start until they have exited, so try again.
        loop {
            self.keeper = run(&self.folder, self.port);
            if self.accepts_connections() {
                return;
            }
            self.keeper.kill();
            assert!(Instant::now() < deadline, "PostgreSQL does not start again: {}", self.log());
        }
    }

    fn wait(&mut self) {
        assert!(self.accepts_connections(), "PostgreSQL does not start: {}", self.log());
    }

    /// Polls until the server accepts connections. Returns `false` if it exits, or after 60
    /// seconds.
    fn accepts_connections(&mut self) -> bool {
        let (ready, port) = (program("pg_isready"), self.port.to_string());
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.keeper.is_running() && Instant::now() < deadline {
            if Command::new(&ready)
                .args(["-q", "-h", HOST, "-p", &port])
                .status()
                .unwrap()
                .success()
            {
                return true;
            }
        }
        false
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

fn new_folder() -> PathBuf {
    let folder = tempfile::Builder::new().prefix("gatepass-postgres-").tempdir().unwrap().keep();
    hand_over(&folder);
    folder
}

fn run(folder: &Path, port: u16) -> Keeper {
    let (postgres, data, port) =
        (text(&program("postgres")), text(&folder.join("data")), port.to_string());
    let sockets = format!("unix_socket_directories={}", text(folder));
    let words = [
        &*postgres,
        "-D",
        &data,
        "-h",
        HOST,
        "-p",
        &port,
        "-c",
        &sockets,
        "-c",
        "max_connections=600",
    ];
    Keeper::start(folder, &unprivileged(&words))
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
