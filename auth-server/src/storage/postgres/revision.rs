use sqlx::{PgConnection, PgPool};

use crate::storage::{
    StoreError,
    sql::revision::{BUMP_REVISION, REVISION},
};

pub(super) async fn current(pool: &PgPool) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar(REVISION).fetch_one(pool).await?)
}

/// Makes running servers reload clients and keys. The row lock serializes all changes of clients
/// and keys, over all servers, so a change begins with this.
pub(super) async fn bump(connection: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query(BUMP_REVISION).execute(connection).await?;
    Ok(())
}
