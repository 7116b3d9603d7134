use sqlx::{Connection, SqliteConnection};

use crate::storage::{
    StoreError,
    sql::access_tokens::{DELETE_WRITE_PROBE, INSERT_WRITE_PROBE},
};

/// Characters of the key that is inserted, in a table and its index. With it the check writes more
/// than a request does, so it notices a full disk before requests do.
const PROBE_LENGTH: usize = 24 * 1024;

/// Checks that the connection can begin, write and commit transactions. The row is inserted by one
/// and deleted by another: what one transaction inserts and deletes is hardly written at all.
pub(super) async fn check(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let mut insertion = connection.begin_with("BEGIN IMMEDIATE").await?;
    let probe = sqlx::query(INSERT_WRITE_PROBE).bind(" ".repeat(PROBE_LENGTH));
    probe.execute(&mut *insertion).await?;
    insertion.commit().await?;
    let mut deletion = connection.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query(DELETE_WRITE_PROBE).execute(&mut *deletion).await?;
    Ok(deletion.commit().await?)
}
