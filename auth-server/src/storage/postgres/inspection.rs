use std::{str::FromStr, time::Duration};

use doctor::SchemaVersions;
use sqlx::{
    ConnectOptions, Connection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::timeout;

use super::{
    PostgresStore, clients,
    connect::{MIGRATIONS, location},
    keys,
};
use crate::storage::{
    StoreError,
    inspection::{DatabaseContents, DatabaseInspection, newest, signing},
};

/// A database that does not respond within this time counts as unusable.
const TIMEOUT: Duration = Duration::from_secs(5);

impl PostgresStore {
    /// Inspects the database at this URL without changing it.
    ///
    /// # Errors
    /// Returns an error if the database cannot be used. It does not contain the password.
    pub async fn inspect(url: &str) -> Result<DatabaseInspection, StoreError> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let options = options.options([("default_transaction_read_only", "on")]);
        let inspected = timeout(TIMEOUT, inspect(options)).await;
        inspected.map_err(|_| {
            StoreError::Unavailable(format!("no response within {} s", TIMEOUT.as_secs()))
        })?
    }

    /// Returns host and database name of a URL, without the password.
    #[must_use]
    pub fn location(url: &str) -> String {
        PgConnectOptions::from_str(url)
            .map_or_else(|_| "PostgreSQL".to_owned(), |options| location(&options))
    }
}

async fn inspect(options: PgConnectOptions) -> Result<DatabaseInspection, StoreError> {
    // A pool retries until its timeout and then hides the cause.
    options.connect().await?.close().await?;
    let database = PgPoolOptions::new().max_connections(1).connect_with(options).await?;
    let inspection = read(&database).await;
    database.close().await;
    inspection
}

async fn read(database: &PgPool) -> Result<DatabaseInspection, StoreError> {
    let made = sqlx::query_scalar::<_, bool>("SELECT to_regclass('_sqlx_migrations') IS NOT NULL");
    let stored = match made.fetch_one(database).await? {
        false => None,
        true => {
            sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
                .fetch_one(database)
                .await?
        }
    };
    let versions = SchemaVersions { stored, known: newest(&MIGRATIONS) };
    if stored != Some(versions.known) {
        return Ok(DatabaseInspection::without_content(versions));
    }
    let signing = signing(keys::all(database).await?);
    Ok(DatabaseInspection {
        versions,
        content: Some(DatabaseContents { clients: clients::all(database).await?, signing }),
    })
}
