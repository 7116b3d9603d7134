//! The programs of PostgreSQL, and the user that runs them.

use std::{
    env,
    ffi::OsStr,
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The folder in which Debian installs the programs of each version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// User and group id of Debian's `nobody` and `nogroup`, which own the files if the tests run as
/// root. PostgreSQL refuses to run as root.
const NOBODY: u32 = 65_534;

/// Returns whether PostgreSQL is installed on this machine.
pub fn is_installed() -> bool {
    folder().is_some()
}

/// Returns the folder with `initdb`, `postgres` and `psql`: the one on the `PATH`, or else Debian's
/// last version in lexical order.
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

/// Makes the user that runs PostgreSQL the owner of a file or folder.
pub fn hand_over(path: &Path) {
    if is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

/// Prefixes a command so that it runs as that user.
pub fn unprivileged<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let setpriv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let prefix = if is_root() { &setpriv[..] } else { &[] };
    [prefix, words].concat()
}

/// Runs a command and returns its trimmed output. Panics if it fails.
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
