//! What the shared queries take from PostgreSQL.

use sqlx::PgTransaction;
pub(super) use sqlx::{PgConnection as Connection, PgPool as Pool};

use crate::storage::StoreError;

/// Makes concurrent changes of the selected rows wait.
pub(super) const FOR_UPDATE: &str = "FOR UPDATE";
/// Like [`FOR_UPDATE`], but rows that refer to the selected ones can still be inserted.
pub(super) const FOR_NO_KEY_UPDATE: &str = "FOR NO KEY UPDATE";
/// Makes concurrent changes of the selected rows wait, but not other readers.
pub(super) const FOR_SHARE: &str = "FOR SHARE";
/// Makes concurrent deletions of the selected rows wait.
pub(super) const FOR_KEY_SHARE: &str = "FOR KEY SHARE";
/// Skips rows that another transaction is changing.
pub(super) const FOR_UPDATE_SKIP_LOCKED: &str = "FOR UPDATE SKIP LOCKED";

/// Returns the strings of the JSON array `$1`, one a row.
pub(super) const JSON_STRINGS: &str = "SELECT json_array_elements_text($1::json)";

/// The rows `value` of the JSON array `$1`.
pub(super) const JSON_ROWS: &str = "json_array_elements($1::json) AS rows (value)";

/// Begins a transaction that writes.
pub(super) async fn begin(pool: &Pool) -> Result<PgTransaction<'static>, StoreError> {
    Ok(pool.begin().await?)
}
