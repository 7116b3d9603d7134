use sqlx::{AssertSqlSafe, SqlitePool};

use super::{backend::begin, revision, users};
use crate::{
    domain::User,
    storage::{StoreError, StoredKeys},
};

/// All tables but those that a reset keeps. The newest come first, because they reference others.
const TABLES_TO_EMPTY: &str = "SELECT name FROM sqlite_master WHERE type = 'table' \
     AND name NOT IN ('revision', 'installation_secret') \
     AND ($1 OR name <> 'signing_keys') ORDER BY rowid DESC";

/// Empties every table but those of the revision, the secret and maybe the keys.
pub(super) async fn reset(
    pool: &SqlitePool,
    users: &[User],
    keys: StoredKeys,
    now: i64,
) -> Result<(), StoreError> {
    let mut transaction = begin(pool).await?;
    let tables = sqlx::query_scalar::<_, String>(TABLES_TO_EMPTY).bind(keys == StoredKeys::Delete);
    let tables = tables.fetch_all(&mut *transaction).await?;
    // Names of the schema. As one text, because each call of the connection's thread takes longer
    // than it takes to empty a small table.
    let delete: String = tables.iter().map(|table| format!("DELETE FROM {table};")).collect();
    sqlx::raw_sql(AssertSqlSafe(delete)).execute(&mut *transaction).await?;
    users::add_all(&mut transaction, users, now).await?;
    revision::bump(&mut transaction).await?;
    Ok(transaction.commit().await?)
}
