//! What tests need of Unix, and of Linux (`/proc`).

use std::{
    ffi::OsString,
    fs::{File, OpenOptions, Permissions, read_to_string, set_permissions},
    io::{PipeReader, Write, pipe},
    os::{
        fd::AsRawFd,
        unix::{ffi::OsStringExt, fs::PermissionsExt},
    },
    path::{Path, PathBuf},
};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Returns the permission bits of a file.
#[must_use]
pub fn file_mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

/// Sets the permission bits of a file.
pub fn set_file_mode(path: &Path, mode: u32) {
    set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Returns text of the operating system that need not be UTF-8.
#[must_use]
pub fn os_string(bytes: &[u8]) -> OsString {
    OsString::from_vec(bytes.to_vec())
}

/// Returns the path of a pipe that contains `text` and can be read once. It exists as long as the
/// reader.
#[must_use]
pub fn pipe_with(text: &str) -> (PathBuf, PipeReader) {
    let (reader, mut writer) = pipe().unwrap();
    writer.write_all(text.as_bytes()).unwrap();
    (PathBuf::from(format!("/proc/self/fd/{}", reader.as_raw_fd())), reader)
}

/// Returns a terminal: the side that a program writes to, and the side that displays it. On Linux,
/// reading from the second fails once no program has the first open.
#[must_use]
pub fn terminal() -> (File, File) {
    let display = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&display).unwrap();
    unlockpt(&display).unwrap();
    let name = ptsname(&display, Vec::new()).unwrap().into_string().unwrap();
    (OpenOptions::new().write(true).open(name).unwrap(), display.into())
}

/// Returns the memory of this process that is not swapped out, in KiB.
#[must_use]
pub fn resident_kib() -> usize {
    let status = read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
