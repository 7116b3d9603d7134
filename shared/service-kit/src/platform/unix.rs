//! Linux, macOS and other systems with the permissions and signals of POSIX.

use std::{
    fs::{DirBuilder, OpenOptions, Permissions, set_permissions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

use rustix::{
    process::{Resource, Rlimit, getrlimit, setrlimit},
    termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr},
};
use tokio::signal::unix::{SignalKind, signal};

use super::UNLIMITED_FILES;

/// Returns a future that ends with SIGINT (Ctrl-C) or SIGTERM. Container engines send SIGTERM first
/// and SIGKILL after ten seconds.
///
/// # Errors
/// Returns an error if the signal handlers cannot be installed.
pub(crate) fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => (),
            _ = terminate.recv() => (),
        }
    })
}

/// Creates a folder, and the missing ones above it, for its owner alone. The permissions of an
/// existing folder stay, as it may be shared on purpose.
///
/// # Errors
/// Returns an error if a folder cannot be created.
pub fn create_private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Lets only the owner read the files that `options` creates.
pub fn private_files(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(0o600)
}

/// Takes other users' access to an existing file.
///
/// # Errors
/// Returns an error if the file does not exist, or belongs to another user.
pub fn restrict_to_owner(file: &Path) -> io::Result<()> {
    let mode = file.metadata()?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    set_permissions(file, Permissions::from_mode(mode & 0o700))
}

/// Returns whether any user of this machine may read the file.
#[must_use]
pub fn is_readable_by_others(file: &Path) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0)
}

/// Hides what is typed at the terminal of standard input until it is dropped.
pub struct HiddenInput(Termios);

impl HiddenInput {
    /// Ends the input instead of a line break, if Ctrl-C was typed.
    pub const INTERRUPT: u8 = 3;

    /// Switches echo off. Ctrl-C ends the line instead of the process, which would leave the
    /// terminal without echo.
    ///
    /// # Errors
    /// Returns an error if standard input is not a terminal.
    pub fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
        hidden.special_codes[SpecialCodeIndex::VEOL] = Self::INTERRUPT;
        tcsetattr(io::stdin(), OptionalActions::Flush, &hidden)?;
        Ok(Self(before))
    }
}

impl Drop for HiddenInput {
    fn drop(&mut self) {
        // A terminal that is gone needs no echo.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

/// Raises the soft limit of open files to the hard one, and returns it. The soft limit is often
/// 1024 for the sake of programs that use `select`; this one does not.
pub(crate) fn raise_open_files_limit() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let before = current.unwrap_or(UNLIMITED_FILES);
    let Some(hard) = maximum.filter(|hard| *hard > before) else { return before };
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => {
            tracing::info!(from = before, to = hard, "limit of open files raised");
            hard
        }
        Err(error) => {
            tracing::warn!(%error, limit = before, "failed to raise the limit of open files");
            before
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soft_limit_is_raised_to_the_hard_one() {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let hard = maximum.unwrap_or(UNLIMITED_FILES);
        let lower = Some(current.unwrap_or(UNLIMITED_FILES).min(hard) - 1);
        setrlimit(Resource::Nofile, Rlimit { current: lower, maximum }).unwrap();
        raise_open_files_limit();
        assert!(maximum.is_none() || getrlimit(Resource::Nofile).current == maximum);
    }
}
