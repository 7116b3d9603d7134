//! What differs between operating systems: stop signals, files for their owner alone, terminals,
//! and the limit of open files. No other module names an operating system; a test checks that.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::{
    fs::OpenOptions,
    io::{self, Write},
    path::Path,
};

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

pub use system::{
    HiddenInput, create_private_folder, is_readable_by_others, private_files, restrict_to_owner,
};
pub(crate) use system::{raise_open_files_limit, stop_signal};

/// Taken instead of an unlimited number of open files.
const UNLIMITED_FILES: u64 = 1 << 20;

/// Writes a file that only its owner can read. The permissions of an existing file stay.
///
/// # Errors
/// Returns an error if the file cannot be written.
pub fn write_private(path: &Path, text: &str) -> io::Result<()> {
    private_files(OpenOptions::new().write(true).create(true).truncate(true))
        .open(path)?
        .write_all(text.as_bytes())
}
