//! A look at the accounts in PostgreSQL that changes nothing.

use std::{str::FromStr, time::Duration};

use doctor::SchemaVersions;
use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::time::timeout;

use super::connect::{MIGRATIONS, place};
use crate::accounts::StoreError;

/// A database that takes longer is as good as away.
const PATIENCE: Duration = Duration::from_secs(5);

/// Which version the tables at this URL have.
///
/// # Errors
/// When it cannot be used. The password is not in the error.
pub async fn versions_at(url: &str) -> Result<SchemaVersions, StoreError> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|error| StoreError::Unavailable(error.to_string()))?;
    let options = options.options([("default_transaction_read_only", "on")]);
    let looked = timeout(PATIENCE, async { read(options.connect().await?).await }).await;
    looked.map_err(|_| {
        StoreError::Unavailable(format!("no answer within {} s", PATIENCE.as_secs()))
    })?
}

/// Where it is, without the password; nothing of a URL that cannot be read.
pub fn place_of(url: &str) -> String {
    PgConnectOptions::from_str(url)
        .map_or_else(|_| "PostgreSQL".to_owned(), |options| place(&options))
}

async fn read(mut database: PgConnection) -> Result<SchemaVersions, StoreError> {
    let known = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default();
    let made = sqlx::query_scalar::<_, bool>("SELECT to_regclass('_sqlx_migrations') IS NOT NULL");
    let stored = match made.fetch_one(&mut database).await? {
        false => None,
        true => {
            sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
                .fetch_one(&mut database)
                .await?
        }
    };
    database.close().await?;
    Ok(SchemaVersions { stored, known })
}
