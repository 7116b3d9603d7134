//! What the shared queries take from SQLite. Its row locks are empty, because only one transaction
//! writes at a time.

use sqlx::SqliteTransaction;
pub(super) use sqlx::{SqliteConnection as Connection, SqlitePool as Pool};

use crate::storage::StoreError;

pub(super) const FOR_UPDATE: &str = "";
pub(super) const FOR_NO_KEY_UPDATE: &str = "";
pub(super) const FOR_SHARE: &str = "";
pub(super) const FOR_KEY_SHARE: &str = "";
pub(super) const FOR_UPDATE_SKIP_LOCKED: &str = "";

/// Returns the strings of the JSON array `$1`, one a row.
pub(super) const JSON_STRINGS: &str = "SELECT value FROM json_each($1)";

/// The rows `value` of the JSON array `$1`.
pub(super) const JSON_ROWS: &str = "json_each($1)";

/// Begins a transaction that writes. It takes the write lock at once, because a transaction that
/// has read first could no longer wait for it.
pub(super) async fn begin(pool: &Pool) -> Result<SqliteTransaction<'static>, StoreError> {
    Ok(pool.begin_with("BEGIN IMMEDIATE").await?)
}
