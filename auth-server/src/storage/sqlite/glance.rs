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
    glance::{DatabaseContents, DatabaseInspection, newest, signing},
};

/// A file that is locked for longer is of no use now.
const PATIENCE: Duration = Duration::from_secs(3);

impl SqliteStore {
    /// Look at this file; `None` where there is none yet.
    ///
    /// # Errors
    /// When it cannot be used.
    pub async fn glance(file: &Path) -> Result<Option<DatabaseInspection>, StoreError> {
        let unusable = |error: std::io::Error| StoreError::Unavailable(error.to_string());
        if !file.try_exists().map_err(unusable)? {
            return Ok(None);
        }
        // Opened for writing, and not written: a server that may only read it could not serve.
        OpenOptions::new().append(true).open(file).map_err(unusable)?;
        timeout(PATIENCE, look(file))
            .await
            .map_err(|_| StoreError::Unavailable("it is locked".to_owned()))?
            .map(Some)
    }
}

async fn look(file: &Path) -> Result<DatabaseInspection, StoreError> {
    // Without a journal nobody has it open, and so SQLite need not make one to read beside it.
    let alone = !journal(file).exists();
    let options = SqliteConnectOptions::new().filename(file).read_only(true).immutable(alone);
    let database = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
    let glance = read(&database).await;
    database.close().await;
    glance
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

fn journal(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}
