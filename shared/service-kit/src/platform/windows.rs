//! Windows. A new file has the permissions of its folder, and those of a user's profile exclude
//! other users. So keep the data folder there, or restrict it.

use std::{
    fs::{OpenOptions, create_dir_all},
    io,
    path::Path,
};

use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};

use super::UNLIMITED_FILES;

/// Returns a future that ends with Ctrl-C or Ctrl-Break, or when the console is closed or the
/// system shuts down.
///
/// # Errors
/// Returns an error if the handlers cannot be installed.
pub(crate) fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let (mut interrupt, mut break_key) = (ctrl_c()?, ctrl_break()?);
    let (mut close, mut shutdown) = (ctrl_close()?, ctrl_shutdown()?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => (),
            _ = break_key.recv() => (),
            _ = close.recv() => (),
            _ = shutdown.recv() => (),
        }
    })
}

/// Creates a folder, and the missing ones above it, with the permissions of the folder above.
///
/// # Errors
/// Returns an error if a folder cannot be created.
pub fn create_private_folder(path: &Path) -> io::Result<()> {
    create_dir_all(path)
}

/// Changes nothing: new files have the permissions of their folder.
pub fn private_files(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Changes nothing: a file has the permissions of its folder.
///
/// # Errors
/// Returns an error if the file does not exist.
pub fn restrict_to_owner(file: &Path) -> io::Result<()> {
    file.metadata().map(drop)
}

/// Returns `false`: a file has the permissions of its folder.
#[must_use]
pub fn is_readable_by_others(_file: &Path) -> bool {
    false
}

/// Would hide what is typed, which is not supported.
pub struct HiddenInput;

impl HiddenInput {
    /// Ends the input instead of a line break, if Ctrl-C was typed.
    pub const INTERRUPT: u8 = 3;

    /// Fails.
    ///
    /// # Errors
    /// Returns that input cannot be hidden.
    pub fn begin() -> io::Result<Self> {
        Err(io::Error::other("input cannot be hidden on Windows: pipe it into the command"))
    }
}

/// Returns how many files are taken to be possible: Windows has no limit for sockets.
pub(crate) fn raise_open_files_limit() -> u64 {
    UNLIMITED_FILES
}
