use std::{
    fs::OpenOptions,
    path::{Path, PathBuf},
    time::Duration,
};

use doctor::SchemaVersions;
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use tokio::time::timeout;

use super::{MIGRATIONS, SqliteStore, clients, keys};
use crate::storage::{
    StoreError,
    inspection::{DatabaseContents, DatabaseInspection, newest, signing},
};

/// A file that stays locked for longer counts as unusable.
const TIMEOUT: Duration = Duration::from_secs(3);

impl SqliteStore {
    /// Inspects a database file without changing it. Returns `None` if it does not exist.
    ///
    /// # Errors
    /// Returns an error if the file cannot be used.
    pub async fn inspect(file: &Path) -> Result<Option<DatabaseInspection>, StoreError> {
        let unusable = |error: std::io::Error| StoreError::Unavailable(error.to_string());
        if !file.try_exists().map_err(unusable)? {
            return Ok(None);
        }
        // A server needs write access; nothing is written here.
        OpenOptions::new().append(true).open(file).map_err(unusable)?;
        timeout(TIMEOUT, inspect(file))
            .await
            .map_err(|_| StoreError::Unavailable("the file is locked".to_owned()))?
            .map(Some)
    }
}

async fn inspect(file: &Path) -> Result<DatabaseInspection, StoreError> {
    // Without a WAL no process has the file open. `immutable` then keeps SQLite from creating one.
    let unused = !wal(file).exists();
    let options = SqliteConnectOptions::new().filename(file).read_only(true).immutable(unused);
    let database = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
    let inspection = read(&database).await;
    database.close().await;
    inspection
}

async fn read(database: &SqlitePool) -> Result<DatabaseInspection, StoreError> {
    let tables = sqlx::query_scalar::<_, i64>(
        "SELECT count(*) FROM sqlite_master WHERE name = '_sqlx_migrations'",
    );
    let stored = match tables.fetch_one(database).await? {
        0 => None,
        _ => {
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

fn wal(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}
