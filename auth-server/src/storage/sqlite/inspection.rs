use std::path::Path;

use sql_kit::sqlite;

use super::{MIGRATIONS, SqliteStore, audit_log, clients, keys};
use crate::storage::{
    StoreError,
    inspection::{DatabaseContents, DatabaseInspection, signing},
};

impl SqliteStore {
    /// Inspects a database file without changing it. Returns `None` if it does not exist.
    ///
    /// # Errors
    /// Returns an error if the file cannot be used.
    pub async fn inspect(file: &Path) -> Result<Option<DatabaseInspection>, StoreError> {
        sqlite::inspect(file, &MIGRATIONS, async |database, versions| {
            if !versions.match_exactly() {
                return Ok(DatabaseInspection::without_content(versions));
            }
            let signing = signing(keys::all(database).await?);
            let content = DatabaseContents {
                clients: clients::all(database).await?,
                signing,
                sign_in_addresses: audit_log::sign_in_addresses(database).await?,
            };
            Ok(DatabaseInspection { versions, content: Some(content) })
        })
        .await
    }
}
