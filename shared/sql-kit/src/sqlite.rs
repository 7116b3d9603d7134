//! SQLite: one file in WAL mode with one writer and several readers, and read-only inspection.

use std::{
    fs::{DirBuilder, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{
    ConnectOptions, Connection, SqliteConnection, SqlitePool,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::time::timeout;

use crate::{DatabaseError, SchemaVersions, migrations};

const MAX_READERS: u32 = 4;
/// How long an inspection waits for a file that another process has locked.
const INSPECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Connections to an open database file.
#[derive(Clone, Debug)]
pub struct SqliteDatabase {
    /// Read-only connections.
    pub readers: SqlitePool,
    /// The only connection of this pool that writes: SQLite allows one writer at a time.
    pub writer: SqlitePool,
    /// The options of a connection that writes, for servers that open another one.
    pub options: SqliteConnectOptions,
}

/// Opens the database `file`, creates it and its folder if they are missing, and applies the
/// missing migrations.
///
/// Only their owner can read a new folder and the files of the database, because these hold keys,
/// sessions and personal data. The mode of an existing folder stays, as it may be shared on
/// purpose.
///
/// Committed transactions survive a power failure (`synchronous = FULL`).
///
/// # Errors
/// Returns an error if the file cannot be read and written, or its tables belong to a newer version
/// or to another server.
pub async fn open(file: &Path, migrations: &Migrator) -> Result<SqliteDatabase, DatabaseError> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true);
    let at_file = |reason: &dyn std::fmt::Display| DatabaseError::at(file.display(), reason);
    restrict_to_owner(file).map_err(|error| at_file(&error))?;
    // A command may run while the server starts for the first time: only one of them migrates.
    let _lock = lock(file).await.map_err(|error| at_file(&error))?;
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .after_release(|connection, _| Box::pin(is_outside_transaction(connection)));
    let writer = writer.connect_with(options.clone());
    let writer = writer.await.map_err(|error| at_file(&error))?;
    let migrated = migrations.run(&writer).await;
    migrated.map_err(|error| at_file(&migrations::explain(&error)))?;
    // A connection to a file does not break, and testing it costs as much as a query.
    let readers = SqlitePoolOptions::new().max_connections(MAX_READERS).test_before_acquire(false);
    let readers = readers.connect_lazy_with(options.clone().read_only(true));
    Ok(SqliteDatabase { readers, writer, options })
}

/// Returns whether the connection can be used again. After some errors (a full disk, an I/O error)
/// SQLite ends the transaction by itself. ROLLBACK then fails, and the driver counts a transaction
/// that does not exist: every later BEGIN on this connection would fail.
async fn is_outside_transaction(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // The driver executes the ROLLBACK of a dropped transaction in the background, before the ping.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// A connection outside the pools, for a task that has one of its own.
#[derive(Debug)]
pub struct TaskConnection {
    options: SqliteConnectOptions,
    connection: Option<SqliteConnection>,
}

impl TaskConnection {
    /// Opens the connection.
    ///
    /// # Errors
    /// Returns an error if the file cannot be opened.
    pub async fn open(options: SqliteConnectOptions) -> Result<Self, sqlx::Error> {
        let connection = Some(options.connect().await?);
        Ok(Self { options, connection })
    }

    /// Returns the connection. Opens a new one after [`TaskConnection::discard`].
    ///
    /// # Errors
    /// Returns an error if the file cannot be opened.
    pub async fn get(&mut self) -> Result<&mut SqliteConnection, sqlx::Error> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.options.connect().await?,
        };
        Ok(self.connection.insert(connection))
    }

    /// Closes the connection, because a statement has failed in a way that may leave a transaction
    /// open.
    pub fn discard(&mut self) {
        self.connection = None;
    }
}

/// Creates the folder and the file if they are missing, and takes other users' access to the file
/// and to those that SQLite and [`lock`] keep beside it. SQLite gives new files the mode of the
/// database, but one of an earlier version may be left.
fn restrict_to_owner(database: &Path) -> io::Result<()> {
    if let Some(folder) = database.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    // An existing database is not opened: closing it would end the locks that SQLite holds in this
    // process.
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(database) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let beside =
        [database.with_extension("lock"), with_suffix(database, "-shm"), wal_path(database)];
    for file in std::iter::once(database).chain(beside.iter().map(PathBuf::as_path)) {
        let mode = match file.metadata() {
            Ok(metadata) => metadata.permissions().mode(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if mode & 0o077 != 0 {
            match std::fs::set_permissions(file, Permissions::from_mode(mode & 0o700)) {
                // Another process has closed the database, which deletes the files beside it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => other?,
            }
        }
    }
    Ok(())
}

/// Waits until no other process opens this database. The lock ends when the returned file is
/// dropped.
async fn lock(database: &Path) -> io::Result<File> {
    let path = database.with_extension("lock");
    let locked = tokio::task::spawn_blocking(move || {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        file.lock()?;
        Ok(file)
    });
    locked.await.map_err(io::Error::other)?
}

/// Reads the database `file` without changing it: nothing is created or migrated. Returns `None` if
/// the file does not exist.
///
/// `read` gets the schema versions and a pool of one read-only connection.
///
/// # Errors
/// Returns an error if this user may not read and write the file, it stays locked for 3 seconds, or
/// `read` fails.
pub async fn inspect<T, E: From<DatabaseError>>(
    file: &Path,
    migrations: &Migrator,
    read: impl AsyncFnOnce(&SqlitePool, SchemaVersions) -> Result<T, E>,
) -> Result<Option<T>, E> {
    if !file.try_exists().map_err(DatabaseError::new)? {
        return Ok(None);
    }
    // Opened for writing, but not written: a server with read access only could not serve.
    OpenOptions::new().append(true).open(file).map_err(DatabaseError::new)?;
    let inspection = async {
        // Without a write-ahead log no other process has the file open. `immutable` then keeps
        // SQLite from creating one.
        let immutable = !wal_path(file).exists();
        let options =
            SqliteConnectOptions::new().filename(file).read_only(true).immutable(immutable);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options);
        let pool = pool.await.map_err(DatabaseError::from)?;
        let stored = stored_version(&pool).await.map_err(DatabaseError::from)?;
        let result = read(&pool, SchemaVersions::new(stored, migrations)).await;
        pool.close().await;
        result
    };
    match timeout(INSPECT_TIMEOUT, inspection).await {
        Ok(result) => result.map(Some),
        Err(_) => Err(DatabaseError::new("the file is locked by another process").into()),
    }
}

async fn stored_version(pool: &SqlitePool) -> Result<Option<i64>, sqlx::Error> {
    let tables = "SELECT count(*) FROM sqlite_master WHERE name = '_sqlx_migrations'";
    if sqlx::query_scalar::<_, i64>(tables).fetch_one(pool).await? == 0 {
        return Ok(None);
    }
    sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(pool).await
}

fn wal_path(file: &Path) -> PathBuf {
    with_suffix(file, "-wal")
}

fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use std::{borrow::Cow, collections::BTreeSet};

    use sqlx::{
        SqlSafeStr,
        migrate::{Migration, MigrationType},
    };

    use super::*;

    fn migrations(versions: &[i64], table: &str) -> Migrator {
        let migration = |version: &i64| {
            let sql = format!("CREATE TABLE {table}_{version} (id INTEGER PRIMARY KEY)");
            Migration::new(
                *version,
                Cow::Borrowed("test"),
                MigrationType::Simple,
                sqlx::AssertSqlSafe(sql).into_sql_str(),
                false,
            )
        };
        Migrator::with_migrations(versions.iter().map(migration).collect())
    }

    async fn versions(file: &Path, known: &Migrator) -> Option<SchemaVersions> {
        inspect(file, known, async |_, versions| Ok::<_, DatabaseError>(versions)).await.unwrap()
    }

    #[tokio::test]
    async fn open_creates_and_migrates_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("test.db");
        let (old, new) = (migrations(&[1], "t"), migrations(&[1, 2], "t"));
        for known in [&old, &new] {
            let database = open(&file, known).await.unwrap();
            sqlx::query("SELECT 1").execute(&database.readers).await.unwrap();
        }
        let expected = SchemaVersions { stored: Some(2), known: 2 };
        assert_eq!(versions(&file, &new).await, Some(expected));
        assert!(expected.match_exactly());
    }

    #[tokio::test]
    async fn only_the_owner_can_read_the_files_of_the_database() {
        let folder = tempfile::tempdir().unwrap();
        let (made, shared) = (folder.path().join("a/b"), folder.path().join("shared"));
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        let set = |path: &Path, mode| {
            std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        };
        std::fs::create_dir(&shared).unwrap();
        set(&shared, 0o755);
        for (folder, expected) in [(&made, 0o700), (&shared, 0o755)] {
            let file = folder.join("test.db");
            let known = migrations(&[1], "t");
            for _ in 0..2 {
                let database = open(&file, &known).await.unwrap();
                assert_eq!(mode(folder), expected);
                let files: Vec<_> =
                    std::fs::read_dir(folder).unwrap().map(Result::unwrap).collect();
                assert_eq!(files.len(), 4, "{files:?}: the database, its log, its index, the lock");
                for file in files {
                    assert_eq!(mode(&file.path()), 0o600, "{}", file.path().display());
                    // As an earlier version left it. The next round restricts it again.
                    set(&file.path(), 0o644);
                }
                // Not closed, so that the files beside the database stay.
                std::mem::forget(database);
            }
        }
    }

    #[tokio::test]
    async fn database_of_a_newer_version_or_another_server_is_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("test.db");
        drop(open(&file, &migrations(&[1, 2], "t")).await.unwrap());
        for (known, reason) in [
            (migrations(&[1], "t"), "schema version 2"),
            (migrations(&[1, 2], "other"), "belongs to another server"),
        ] {
            let error = open(&file, &known).await.unwrap_err().to_string();
            assert!(error.contains("test.db: ") && error.contains(reason), "{error}");
        }
    }

    #[tokio::test]
    async fn connection_whose_transaction_the_database_ended_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let writer =
            open(&folder.path().join("test.db"), &migrations(&[1], "t")).await.unwrap().writer;
        let mut ended = writer.begin_with("BEGIN IMMEDIATE").await.unwrap();
        // OR ROLLBACK ends the transaction, as a full disk does.
        let statement = "INSERT OR ROLLBACK INTO t_1 VALUES (1), (1)";
        sqlx::query(statement).execute(&mut *ended).await.unwrap_err();
        drop(ended);
        writer.begin_with("BEGIN IMMEDIATE").await.unwrap().commit().await.unwrap();
    }

    #[tokio::test]
    async fn unfinished_transaction_keeps_the_connection() {
        let folder = tempfile::tempdir().unwrap();
        let writer =
            open(&folder.path().join("test.db"), &migrations(&[1], "t")).await.unwrap().writer;
        sqlx::query("CREATE TEMP TABLE of_this_connection (id INTEGER)")
            .execute(&writer)
            .await
            .unwrap();
        drop(writer.begin_with("BEGIN IMMEDIATE").await.unwrap());
        sqlx::query("SELECT * FROM of_this_connection").execute(&writer).await.unwrap();
    }

    #[tokio::test]
    async fn inspect_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("test.db");
        let known = migrations(&[1], "t");
        assert_eq!(versions(&file, &known).await, None);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        std::fs::write(&file, "").unwrap();
        let expected = SchemaVersions { stored: None, known: 1 };
        assert_eq!(versions(&file, &known).await, Some(expected));
        let names: BTreeSet<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(names, BTreeSet::from(["test.db".to_owned()]));
    }
}
