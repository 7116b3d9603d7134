//! What the shared queries take from SQLite. Its locks do nothing, because only one transaction
//! writes at a time.

use sqlx::SqliteTransaction;
pub(super) use sqlx::{SqliteConnection as Connection, SqlitePool as Pool};

use crate::accounts::{ExternalIdentity, StoreError};

pub(super) const FOR_UPDATE: &str = "";
pub(super) const FOR_NO_KEY_UPDATE: &str = "";

/// Begins a transaction that writes. It takes the write lock at once, because a transaction that
/// has read first could no longer wait for it.
pub(super) async fn begin(pool: &Pool) -> Result<SqliteTransaction<'static>, StoreError> {
    Ok(pool.begin_with("BEGIN IMMEDIATE").await?)
}

pub(super) async fn lock_identity(
    _: &mut Connection,
    _: &ExternalIdentity,
) -> Result<(), StoreError> {
    Ok(())
}
