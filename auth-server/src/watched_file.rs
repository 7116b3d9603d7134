//! Notices changes of a file.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

/// Modification time and length of a file. The length detects most edits within the resolution of
/// the time.
pub type Stamp = (SystemTime, u64);

/// A file that has not changed for this long is complete.
const FILE_SETTLE_TIME: Duration = Duration::from_millis(50);

/// A file, and its stamp when it was last read.
pub struct WatchedFile {
    path: PathBuf,
    seen: Mutex<Option<Stamp>>,
}

impl WatchedFile {
    /// Takes the stamp of the file, which the caller reads afterwards.
    pub fn new(path: PathBuf) -> Self {
        let seen = Mutex::new(stamp(&path));
        Self { path, seen }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns whether the file has changed since the last change that this function returned, and
    /// is no longer being written: a prefix of a file can be valid.
    pub async fn has_changed(&self) -> bool {
        let found = stamp(&self.path);
        if found == *self.seen.lock().unwrap_or_else(PoisonError::into_inner) {
            return false;
        }
        if !is_settled(&self.path, found).await {
            return false;
        }
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = found;
        true
    }
}

/// Returns the stamp of a file, if it exists.
pub fn stamp(file: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(file).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// Waits a moment. Returns whether the file still has this stamp.
pub async fn is_settled(file: &Path, found: Option<Stamp>) -> bool {
    tokio::time::sleep(FILE_SETTLE_TIME).await;
    found == stamp(file)
}
