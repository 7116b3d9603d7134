//! PostgreSQL's own programs, and the user that they run as.

use std::{
    env,
    ffi::OsStr,
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Where Debian keeps the programs of each version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// PostgreSQL refuses to run as root; Debian's `nobody` and `nogroup` may have the files instead.
const NOBODY: u32 = 65_534;

/// Can a cluster be started on this machine?
pub fn is_installed() -> bool {
    folder().is_some()
}

/// The folder with `initdb`, `postgres` and `psql`: of the `PATH`, or Debian's newest.
fn folder() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path)
        .map(|folder| folder.join("initdb"))
        .find_map(|file| file.canonicalize().ok());
    let mut versions: Vec<PathBuf> = fs::read_dir(DEBIAN)
        .into_iter()
        .flatten()
        .filter_map(|version| Some(version.ok()?.path().join("bin/initdb")))
        .filter(|file| file.exists())
        .collect();
    versions.sort();
    let initdb = on_path.or_else(|| versions.pop())?;
    initdb.parent().map(Path::to_owned)
}

pub fn program(name: &str) -> PathBuf {
    let folder = folder();
    let missing =
        "`initdb` and `postgres` are needed: install postgresql (apt-get install postgresql)";
    folder.unwrap_or_else(|| panic!("{missing}")).join(name)
}

fn is_root() -> bool {
    succeed(&["id", "-u"], &[]) == "0"
}

/// Give a file or a folder to the user that PostgreSQL runs as.
pub fn hand_over(path: &Path) {
    if is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

/// The words of a command that runs as that user.
pub fn unprivileged<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let setpriv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let prefix = if is_root() { &setpriv[..] } else { &[] };
    [prefix, words].concat()
}

/// Run a command to its end, which has to be a good one.
pub fn succeed(words: &[&str], environment: &[(&str, &OsStr)]) -> String {
    let mut command = Command::new(words[0]);
    command
        .args(&words[1..])
        .envs(environment.iter().copied())
        .current_dir("/")
        .stdin(Stdio::null());
    let output = command.output().unwrap_or_else(|error| panic!("{}: {error}", words[0]));
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
