use sqlx::AssertSqlSafe;

use super::backend::{Connection, FOR_UPDATE, Pool};
use crate::storage::{
    StoreError,
    sql::revision::{BUMP_REVISION, REVISION},
};

pub(super) async fn current(pool: &Pool) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar(REVISION).fetch_one(pool).await?)
}

/// Makes every other change of clients and keys wait until this transaction ends, over all servers.
/// Such a change begins with this lock, so that two of them cannot wait for each other. Returns the
/// revision that it changes.
pub(super) async fn lock(connection: &mut Connection) -> Result<i64, StoreError> {
    let lock = format!("{REVISION} {FOR_UPDATE}");
    Ok(sqlx::query_scalar(AssertSqlSafe(lock)).fetch_one(connection).await?)
}

/// Makes running servers reload clients and keys.
pub(super) async fn bump(connection: &mut Connection) -> Result<(), StoreError> {
    sqlx::query(BUMP_REVISION).execute(connection).await?;
    Ok(())
}
