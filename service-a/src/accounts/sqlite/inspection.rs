//! A look at the accounts' database that changes nothing, not even its version.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use doctor::SchemaVersions;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::time::timeout;

use super::MIGRATIONS;
use crate::accounts::StoreError;

/// A file that is locked for longer is of no use now.
const PATIENCE: Duration = Duration::from_secs(3);

/// Which version the tables in this file have; `None` where there is no file yet.
///
/// # Errors
/// When it cannot be used.
pub async fn versions(file: &Path) -> Result<Option<SchemaVersions>, StoreError> {
    if !file.try_exists().map_err(|error| StoreError::Unavailable(error.to_string()))? {
        return Ok(None);
    }
    // Opened for writing, and not written: a server that may only read it could not serve.
    std::fs::OpenOptions::new()
        .append(true)
        .open(file)
        .map_err(|error| StoreError::Unavailable(error.to_string()))?;
    timeout(PATIENCE, read(file))
        .await
        .map_err(|_| StoreError::Unavailable("it is locked".to_owned()))?
        .map(Some)
}

async fn read(file: &Path) -> Result<SchemaVersions, StoreError> {
    // Without a journal nobody has it open, and so SQLite need not make one to read beside it.
    let alone = !wal(file).exists();
    let options = SqliteConnectOptions::new().filename(file).read_only(true).immutable(alone);
    let mut database = SqliteConnection::connect_with(&options).await?;
    let known = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default();
    let tables = sqlx::query_scalar::<_, i64>(
        "SELECT count(*) FROM sqlite_master WHERE name = '_sqlx_migrations'",
    );
    let stored = match tables.fetch_one(&mut database).await? {
        0 => None,
        _ => {
            sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
                .fetch_one(&mut database)
                .await?
        }
    };
    database.close().await?;
    Ok(SchemaVersions { stored, known })
}

/// SQLite's journal stands beside the file.
fn wal(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}
