use sqlx::{SqliteConnection, SqlitePool};

use crate::storage::{
    StoreError,
    sql::revision::{BUMP_REVISION, REVISION},
};

pub(super) async fn current(pool: &SqlitePool) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar(REVISION).fetch_one(pool).await?)
}

/// Makes running servers reload clients and keys.
pub(super) async fn bump(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query(BUMP_REVISION).execute(connection).await?;
    Ok(())
}
