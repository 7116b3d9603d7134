use sqlx::{AssertSqlSafe, SqlitePool};

use super::{backend::begin, revision, users};
use crate::{
    domain::User,
    storage::{StoreError, StoredKeys},
};

/// All tables but those that a reset keeps. The newest come first, because they reference others.
const TABLES_TO_EMPTY: &str = "SELECT name FROM sqlite_master WHERE type = 'table' \
     AND name NOT IN ('_sqlx_migrations', 'revision', 'installation_secret') \
     AND ($1 OR name <> 'signing_keys') ORDER BY rowid DESC";

/// Empties every table but those of the schema, the secret and maybe the keys.
pub(super) async fn reset(
    pool: &SqlitePool,
    users: &[User],
    keys: StoredKeys,
    now: i64,
) -> Result<(), StoreError> {
    let mut transaction = begin(pool).await?;
    let tables = sqlx::query_scalar::<_, String>(TABLES_TO_EMPTY).bind(keys == StoredKeys::Delete);
    for table in tables.fetch_all(&mut *transaction).await? {
        // A name of the schema.
        let delete = AssertSqlSafe(format!("DELETE FROM {table}"));
        sqlx::query(delete).execute(&mut *transaction).await?;
    }
    for user in users {
        users::add(&mut transaction, user, now).await?;
    }
    revision::bump(&mut transaction).await?;
    Ok(transaction.commit().await?)
}
