use std::{str::FromStr, time::Duration};

use doctor::SchemaVersions;
use sqlx::{
    ConnectOptions, Connection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::timeout;

use super::{
    PostgresStore, clients,
    connect::{MIGRATIONS, place},
    keys,
};
use crate::storage::{
    StoreError,
    glance::{DatabaseContents, DatabaseInspection, newest, signing},
};

/// A database that takes longer is as good as away.
const PATIENCE: Duration = Duration::from_secs(5);

impl PostgresStore {
    /// Look at the database at this URL.
    ///
    /// # Errors
    /// When it cannot be used. The password is not in the error.
    pub async fn glance(url: &str) -> Result<DatabaseInspection, StoreError> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let options = options.options([("default_transaction_read_only", "on")]);
        let looked = timeout(PATIENCE, look(options)).await;
        looked.map_err(|_| {
            StoreError::Unavailable(format!("no answer within {} s", PATIENCE.as_secs()))
        })?
    }

    /// Where it is, without the password; nothing of a URL that cannot be read.
    #[must_use]
    pub fn place(url: &str) -> String {
        PgConnectOptions::from_str(url)
            .map_or_else(|_| "PostgreSQL".to_owned(), |options| place(&options))
    }
}

async fn look(options: PgConnectOptions) -> Result<DatabaseInspection, StoreError> {
    // A pool tries again and again, and says only that it took too long.
    options.connect().await?.close().await?;
    let database = PgPoolOptions::new().max_connections(1).connect_with(options).await?;
    let glance = read(&database).await;
    database.close().await;
    glance
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
