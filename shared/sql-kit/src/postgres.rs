//! PostgreSQL: a pool that recovers from hanging connections, and read-only inspection.

use std::{str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions, Connection, PgConnection, PgPool,
    migrate::{Migrate, MigrateError, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::timeout;

use crate::{DatabaseError, SchemaVersions, migrations};

/// The most connections that one server opens; further requests wait for a free one.
const MAX_CONNECTIONS: u32 = 16;
/// How long a request waits for a free connection before it fails.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may take to answer a ping before it is closed and replaced.
const PING_TIMEOUT: Duration = Duration::from_millis(500);
/// How long the first connection may take when the server starts.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an inspection may take.
const INSPECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Limits for statements and open transactions, so that a hanging one releases its locks even if
/// its server has lost its network or its power.
const SESSION_TIMEOUTS: [(&str, &str); 2] =
    [("statement_timeout", "10s"), ("idle_in_transaction_session_timeout", "10s")];

const IS_MIGRATED: &str = "SELECT to_regclass('_sqlx_migrations') IS NOT NULL";

/// Connects to the database at `url` and applies the missing migrations. If there are none, the
/// role needs no right to change the schema.
///
/// Several servers may start at the same time: one migrates, the others wait for it.
///
/// # Errors
/// Returns an error if the URL is malformed, the database is not reachable within 10 seconds, or
/// its tables belong to a newer version or to another server. If the role may not apply the missing
/// migrations, the error names `migrate_command`.
pub async fn connect(
    url: &str,
    migrations: &Migrator,
    migrate_command: &str,
) -> Result<PgPool, DatabaseError> {
    let options = parse(url)?;
    let at = |reason: &dyn std::fmt::Display| DatabaseError::at(describe(&options), reason);
    // The pool connects lazily and retries: connecting once reports the actual error at startup.
    let mut connection = first_connection(&options).await?;
    if !is_up_to_date(&mut connection, migrations).await.map_err(|error| at(&error))? {
        ensure_migratable(&mut connection, migrations)
            .await
            .map_err(|error| at(&migrations::explain(&error)))?;
        let migrated = migrations.run(&mut connection).await;
        migrated.map_err(|error| {
            if is_permission_denied(&error) {
                at(&format!(
                    "the tables are missing or old, and this role may not change them ({error}): run `{migrate_command}` with a role that owns them"
                ))
            } else {
                at(&migrations::explain(&error))
            }
        })?;
    }
    connection.close().await?;
    Ok(pool(options.options(SESSION_TIMEOUTS)))
}

/// Connects to the database at `url`, whose tables must be those of this program.
///
/// # Errors
/// Returns an error as [`connect`] does. If the tables are missing or old, it names
/// `migrate_command`.
pub async fn connect_migrated(
    url: &str,
    migrations: &Migrator,
    migrate_command: &str,
) -> Result<PgPool, DatabaseError> {
    let options = parse(url)?;
    let at = |reason: &dyn std::fmt::Display| DatabaseError::at(describe(&options), reason);
    let mut connection = first_connection(&options).await?;
    if !is_up_to_date(&mut connection, migrations).await.map_err(|error| at(&error))? {
        let stored = stored_version(&mut connection).await.map_err(|error| at(&error))?;
        return Err(at(&match SchemaVersions::new(stored, migrations) {
            SchemaVersions { stored: None, .. } => {
                format!("the tables are not created yet: run `{migrate_command}`")
            }
            SchemaVersions { stored: Some(stored), known } if stored < known => format!(
                "schema version {stored} is older than {known}, which this program needs: run `{migrate_command}`"
            ),
            SchemaVersions { stored: Some(stored), .. } => {
                migrations::explain(&MigrateError::VersionMissing(stored))
            }
        }));
    }
    connection.close().await?;
    Ok(pool(options.options(SESSION_TIMEOUTS)))
}

async fn first_connection(options: &PgConnectOptions) -> Result<PgConnection, DatabaseError> {
    let at = |reason: &dyn std::fmt::Display| DatabaseError::at(describe(options), reason);
    let connected = timeout(CONNECT_TIMEOUT, options.connect())
        .await
        .map_err(|_| at(&format!("no response within {} s", CONNECT_TIMEOUT.as_secs())))?;
    connected.map_err(|error| at(&error))
}

/// Returns whether exactly the known migrations are applied. [`Migrator::run`] would need the right
/// to create tables even then.
async fn is_up_to_date(
    connection: &mut PgConnection,
    migrations: &Migrator,
) -> Result<bool, MigrateError> {
    let is_migrated: bool = sqlx::query_scalar(IS_MIGRATED).fetch_one(&mut *connection).await?;
    if !is_migrated || connection.dirty_version(&migrations.table_name).await?.is_some() {
        return Ok(false);
    }
    let applied = connection.list_applied_migrations(&migrations.table_name).await?;
    let is_applied = |version, checksum| {
        applied.iter().any(|one| one.version == version && one.checksum == checksum)
    };
    Ok(applied.len() == migrations.iter().count()
        && migrations.iter().all(|known| is_applied(known.version, known.checksum.clone())))
}

/// Rejects tables that no role can migrate: those of a newer program, and those that a migration
/// has left half changed.
async fn ensure_migratable(
    connection: &mut PgConnection,
    migrations: &Migrator,
) -> Result<(), MigrateError> {
    if let Some(stored) = stored_version(connection).await? {
        if let Some(dirty) = connection.dirty_version(&migrations.table_name).await? {
            return Err(MigrateError::Dirty(dirty));
        }
        if stored > SchemaVersions::new(Some(stored), migrations).known {
            return Err(MigrateError::VersionMissing(stored));
        }
    }
    Ok(())
}

fn is_permission_denied(error: &MigrateError) -> bool {
    // PostgreSQL's `insufficient_privilege`.
    let (MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) = error else {
        return false;
    };
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .is_some_and(|code| code == "42501")
}

fn pool(options: PgConnectOptions) -> PgPool {
    // The pool's own liveness test has no timeout: if a machine disappears without closing its
    // connections, it waits as long as TCP does, which is minutes.
    PgPoolOptions::new()
        .max_connections(MAX_CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection, _| Box::pin(is_alive(connection)))
        .after_release(|connection, _| Box::pin(is_idle(connection)))
        .connect_lazy_with(options)
}

async fn is_alive(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let ping = timeout(PING_TIMEOUT, connection.ping()).await;
    ping.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map(|()| true)
}

/// Returns whether a connection responds and has no open transaction.
///
/// sqlx rolls back a transaction that is dropped, but not one whose `BEGIN` was cut off before it
/// was answered. The connection would return to the pool with an open transaction, and what the
/// next requests change there would be acknowledged and never committed.
async fn is_idle(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    // An empty statement begins nothing: sqlx fails unless a transaction is open already.
    match timeout(PING_TIMEOUT, connection.begin_with("")).await {
        Ok(Err(sqlx::Error::BeginFailed)) => Ok(true),
        Ok(Ok(_open)) => Ok(false),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(sqlx::Error::PoolTimedOut),
    }
}

/// Reads the database at `url` in read-only transactions: nothing is created or migrated.
///
/// `read` gets the schema versions and a pool of one connection.
///
/// # Errors
/// Returns an error if the URL is malformed, the database is not reachable within 5 seconds, or
/// `read` fails.
pub async fn inspect<T, E: From<DatabaseError>>(
    url: &str,
    migrations: &Migrator,
    read: impl AsyncFnOnce(&PgPool, SchemaVersions) -> Result<T, E>,
) -> Result<T, E> {
    let options = parse(url)?.options([("default_transaction_read_only", "on")]);
    let inspection = async {
        // A pool retries and reports only a timeout; a single connection reports the actual error.
        let connection = options.connect().await.map_err(DatabaseError::from)?;
        connection.close().await.map_err(DatabaseError::from)?;
        let pool = PgPoolOptions::new().max_connections(1).connect_with(options);
        let pool = pool.await.map_err(DatabaseError::from)?;
        let mut connection = pool.acquire().await.map_err(DatabaseError::from)?;
        let stored = stored_version(&mut connection).await.map_err(DatabaseError::from)?;
        drop(connection);
        let result = read(&pool, SchemaVersions::new(stored, migrations)).await;
        pool.close().await;
        result
    };
    timeout(INSPECT_TIMEOUT, inspection).await.unwrap_or_else(|_| {
        let seconds = INSPECT_TIMEOUT.as_secs();
        Err(DatabaseError::new(format!("no response within {seconds} s")).into())
    })
}

async fn stored_version(connection: &mut PgConnection) -> Result<Option<i64>, sqlx::Error> {
    if !sqlx::query_scalar(IS_MIGRATED).fetch_one(&mut *connection).await? {
        return Ok(None);
    }
    sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(connection).await
}

/// Returns host, port and database name of `url` for messages, without user and password. Returns
/// `PostgreSQL` if the URL is malformed.
#[must_use]
pub fn location(url: &str) -> String {
    parse(url).map_or_else(|_| "PostgreSQL".to_owned(), |options| describe(&options))
}

fn parse(url: &str) -> Result<PgConnectOptions, DatabaseError> {
    Ok(PgConnectOptions::from_str(url)?)
}

fn describe(options: &PgConnectOptions) -> String {
    let name = options.get_database().unwrap_or_else(|| options.get_username());
    match options.get_socket() {
        Some(socket) => format!("PostgreSQL at {}, database {name}", socket.display()),
        None => {
            format!("PostgreSQL at {}:{}, database {name}", options.get_host(), options.get_port())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn location_contains_no_password() {
        for (url, expected) in [
            ("postgres://c:hunter2@db:5433/gatepass", "PostgreSQL at db:5433, database gatepass"),
            ("postgres://c:hunter2@db/", "PostgreSQL at db:5432, database c"),
            (
                "postgres://c:hunter2@%2Frun%2Fpostgresql/gatepass",
                "PostgreSQL at /run/postgresql, database gatepass",
            ),
            ("hunter2", "PostgreSQL"),
        ] {
            assert_eq!(location(url), expected, "{url}");
        }
    }
}
