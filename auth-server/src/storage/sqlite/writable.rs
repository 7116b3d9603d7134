use sqlx::{Connection, SqliteConnection};

use crate::storage::{
    StoreError,
    sql::access_tokens::{DELETE_WRITE_PROBE, INSERT_WRITE_PROBE},
};

/// Checks that the connection can begin, write and commit a transaction. The row is inserted and
/// deleted, because SQLite writes nothing for an UPDATE that changes no value: a full disk would
/// not be noticed.
pub(super) async fn check(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query(INSERT_WRITE_PROBE).execute(&mut *transaction).await?;
    sqlx::query(DELETE_WRITE_PROBE).execute(&mut *transaction).await?;
    Ok(transaction.commit().await?)
}
