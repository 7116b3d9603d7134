//! SQLite: one file in WAL mode with one writer and several readers, and read-only inspection. Also
//! a database in memory, which ends with its process.

use std::{
    fs::{File, OpenOptions},
    io,
    ops::{Deref, DerefMut},
    path::{Path, PathBuf},
    sync::OnceLock,
    time::Duration,
};

use service_kit::platform::{self, create_private_folder, private_files};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Sqlite, SqliteConnection, SqlitePool,
    migrate::Migrator,
    pool::PoolConnection,
    sqlite::{
        SqliteConnectOptions, SqliteJournalMode, SqliteOwnedBuf, SqlitePoolOptions,
        SqliteSynchronous,
    },
};
use tokio::time::timeout;

use crate::{DatabaseError, SchemaVersions, migrations};

const MAX_READERS: u32 = 4;
/// How long an inspection waits for a file that another process has locked.
const INSPECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Connections to an open database.
#[derive(Clone, Debug)]
pub struct SqliteDatabase {
    /// Connections for reading. Those to a file are read-only.
    pub readers: SqlitePool,
    /// The only connection of this pool that writes: SQLite allows one writer at a time.
    pub writer: SqlitePool,
    /// The options of a connection that writes to the file. `None` for a database in memory, which
    /// has one connection only.
    options: Option<SqliteConnectOptions>,
}

impl SqliteDatabase {
    /// Returns a connection for a task that reads.
    ///
    /// # Errors
    /// Returns an error if the file cannot be opened.
    pub async fn reading_task(&self) -> Result<TaskConnection, sqlx::Error> {
        let options = self.options.clone().map(|options| options.read_only(true));
        TaskConnection::open(options, &self.readers).await
    }

    /// Returns a connection for a task that writes.
    ///
    /// # Errors
    /// Returns an error if the file cannot be opened.
    pub async fn writing_task(&self) -> Result<TaskConnection, sqlx::Error> {
        TaskConnection::open(self.options.clone(), &self.writer).await
    }
}

/// Returns where the database is, for messages.
#[must_use]
pub fn location(file: &Path) -> String {
    let absolute = std::path::absolute(file);
    format!("SQLite at {}", absolute.as_deref().unwrap_or(file).display())
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
    Ok(SqliteDatabase { readers, writer, options: Some(options) })
}

/// The schema that migrations have created in the first database in memory. The others copy it,
/// which takes a fraction of the time.
#[derive(Debug, Default)]
pub struct SchemaImage(OnceLock<SqliteOwnedBuf>);

impl SchemaImage {
    /// Returns an image that no database has created yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }
}

/// Creates an empty database in memory with the schema of the migrations, of which `image` keeps a
/// copy. No other process can open it, and it ends with the last clone of the pools.
///
/// It has one connection, which every reader and writer waits for: connections to a database that
/// is shared in memory lock whole tables against one another.
///
/// # Errors
/// Returns an error if a migration fails.
pub async fn open_in_memory(
    migrations: &Migrator,
    image: &SchemaImage,
) -> Result<SqliteDatabase, DatabaseError> {
    // Most tables have a few rows, so small pages save memory.
    let options =
        SqliteConnectOptions::new().filename(":memory:").page_size(1_024).foreign_keys(true);
    // The database ends with its connection, so the pool must not replace it.
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false);
    let pool = pool.connect_with(options).await?;
    let mut connection = pool.acquire().await?;
    if let Some(image) = image.0.get() {
        let copy = SqliteOwnedBuf::try_from(&image[..])?;
        connection.deserialize(None, copy, false).await?;
    } else {
        // At once, and without the table of migrations: none ever follows.
        let statements: Vec<&str> = migrations.iter().map(|one| one.sql.as_str()).collect();
        sqlx::raw_sql(AssertSqlSafe(statements.join(";\n"))).execute(&mut *connection).await?;
        let schema = connection.serialize(None).await?;
        image.0.get_or_init(|| schema);
    }
    drop(connection);
    Ok(SqliteDatabase { readers: pool.clone(), writer: pool, options: None })
}

/// Returns whether the connection can be used again. After some errors (a full disk, an I/O error)
/// SQLite ends the transaction by itself. ROLLBACK then fails, and the driver counts a transaction
/// that does not exist: every later BEGIN on this connection would fail.
async fn is_outside_transaction(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // The driver executes the ROLLBACK of a dropped transaction in the background, before the ping.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// The connection of a background task: one of its own to a file, or the only one to a database in
/// memory, which the task holds while it uses it.
#[derive(Debug)]
pub struct TaskConnection(Source);

#[derive(Debug)]
enum Source {
    Own { options: Box<SqliteConnectOptions>, connection: Option<SqliteConnection> },
    Shared(SqlitePool),
}

/// A [`TaskConnection`] in use.
#[derive(Debug)]
pub struct UsedConnection<'a>(Used<'a>);

#[derive(Debug)]
enum Used<'a> {
    Own(&'a mut SqliteConnection),
    Shared(PoolConnection<Sqlite>),
}

impl TaskConnection {
    async fn open(
        options: Option<SqliteConnectOptions>,
        pool: &SqlitePool,
    ) -> Result<Self, sqlx::Error> {
        Ok(Self(match options {
            Some(options) => Source::Own {
                connection: Some(options.connect().await?),
                options: Box::new(options),
            },
            None => Source::Shared(pool.clone()),
        }))
    }

    /// Returns the connection. Opens a new one after [`TaskConnection::discard`].
    ///
    /// # Errors
    /// Returns an error if the file cannot be opened.
    pub async fn get(&mut self) -> Result<UsedConnection<'_>, sqlx::Error> {
        Ok(UsedConnection(match &mut self.0 {
            Source::Own { options, connection } => {
                let opened = match connection.take() {
                    Some(opened) => opened,
                    None => options.connect().await?,
                };
                Used::Own(connection.insert(opened))
            }
            Source::Shared(pool) => Used::Shared(pool.acquire().await?),
        }))
    }

    /// Closes the connection, because a statement has failed in a way that may leave a transaction
    /// open. The connection to a database in memory stays: no disk can fail, and closing it would
    /// delete the data.
    pub fn discard(&mut self) {
        if let Source::Own { connection, .. } = &mut self.0 {
            *connection = None;
        }
    }
}

impl Deref for UsedConnection<'_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        match &self.0 {
            Used::Own(connection) => connection,
            Used::Shared(connection) => connection,
        }
    }
}

impl DerefMut for UsedConnection<'_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        match &mut self.0 {
            Used::Own(connection) => connection,
            Used::Shared(connection) => connection,
        }
    }
}

/// Creates the folder and the file if they are missing, and takes other users' access to the file
/// and to those that SQLite and [`lock`] keep beside it. SQLite gives new files the mode of the
/// database, but one of an earlier version may be left.
fn restrict_to_owner(database: &Path) -> io::Result<()> {
    if let Some(folder) = database.parent() {
        create_private_folder(folder)?;
    }
    // An existing database is not opened: closing it would end the locks that SQLite holds in this
    // process.
    match private_files(OpenOptions::new().write(true).create_new(true)).open(database) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let beside =
        [database.with_extension("lock"), with_suffix(database, "-shm"), wal_path(database)];
    for file in std::iter::once(database).chain(beside.iter().map(PathBuf::as_path)) {
        match platform::restrict_to_owner(file) {
            // Another process can close the database at any time, which deletes the files beside
            // it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => other?,
        }
    }
    Ok(())
}

/// Waits until no other process opens this database. The lock ends when the returned file is
/// dropped.
async fn lock(database: &Path) -> io::Result<File> {
    let path = database.with_extension("lock");
    let locked = tokio::task::spawn_blocking(move || {
        let file = private_files(OpenOptions::new().append(true).create(true)).open(path)?;
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
    use test_support::platform::{file_mode, set_file_mode};

    use super::*;

    fn migrations(versions: &[i64], table: &str) -> Migrator {
        let migration = |version: &i64| {
            let sql = format!("CREATE TABLE {table}_{version} (id INTEGER PRIMARY KEY)");
            Migration::new(
                *version,
                Cow::Borrowed("test"),
                MigrationType::Simple,
                AssertSqlSafe(sql).into_sql_str(),
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
        std::fs::create_dir(&shared).unwrap();
        set_file_mode(&shared, 0o755);
        for (folder, expected) in [(&made, 0o700), (&shared, 0o755)] {
            let file = folder.join("test.db");
            let known = migrations(&[1], "t");
            for _ in 0..2 {
                let database = open(&file, &known).await.unwrap();
                assert_eq!(file_mode(folder), expected);
                let files: Vec<_> =
                    std::fs::read_dir(folder).unwrap().map(Result::unwrap).collect();
                assert_eq!(files.len(), 4, "{files:?}: the database, its log, its index, the lock");
                for file in files {
                    assert_eq!(file_mode(&file.path()), 0o600, "{}", file.path().display());
                    // As an earlier version left it. The next round restricts it again.
                    set_file_mode(&file.path(), 0o644);
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
    async fn databases_in_memory_are_separate_and_outlive_a_failed_task() {
        let known = migrations(&[1], "t");
        let image = SchemaImage::new();
        let (one, other) = (
            open_in_memory(&known, &image).await.unwrap(),
            open_in_memory(&known, &image).await.unwrap(),
        );
        let mut task = one.writing_task().await.unwrap();
        let insert = "INSERT INTO t_1 VALUES (1)";
        sqlx::query(insert).execute(&mut *task.get().await.unwrap()).await.unwrap();
        task.discard();
        sqlx::query(insert).execute(&mut *task.get().await.unwrap()).await.unwrap_err();
        let count = async |database: &SqliteDatabase| {
            let rows = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM t_1");
            rows.fetch_one(&database.readers).await.unwrap()
        };
        assert_eq!((count(&one).await, count(&other).await), (1, 0));
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
