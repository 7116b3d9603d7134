use serde::Serialize;
use sqlx::SqliteConnection;

use crate::storage::StoreError;

/// Executes one statement for any number of rows, which it reads from a JSON array in $1.
pub(super) async fn execute(
    connection: &mut SqliteConnection,
    statement: &'static str,
    rows: &[impl Serialize],
) -> Result<(), StoreError> {
    if !rows.is_empty() {
        sqlx::query(statement).bind(serde_json::to_string(rows)?).execute(connection).await?;
    }
    Ok(())
}
