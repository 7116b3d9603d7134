use sql_kit::postgres;

use super::{MIGRATIONS, PostgresStore, audit_log, clients, keys};
use crate::storage::{
    StoreError,
    inspection::{DatabaseContents, DatabaseInspection, signing},
};

impl PostgresStore {
    /// Inspects the database at this URL without changing it.
    ///
    /// # Errors
    /// Returns an error if the database cannot be used. It does not contain the password.
    pub async fn inspect(url: &str) -> Result<DatabaseInspection, StoreError> {
        postgres::inspect(url, &MIGRATIONS, async |database, versions| {
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

    /// Returns host and database name of a URL, without the password.
    #[must_use]
    pub fn location(url: &str) -> String {
        postgres::location(url)
    }
}
