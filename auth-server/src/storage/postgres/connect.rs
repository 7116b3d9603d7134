use std::{str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions, Connection, PgConnection, PgPool,
    migrate::{MigrateError, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::timeout;

use crate::storage::StoreError;

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// Maximum number of connections of one server.
const MAX_CONNECTIONS: u32 = 16;
/// A request fails after waiting this long for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection that does not respond within this time is closed and replaced.
const PING_TIMEOUT: Duration = Duration::from_secs(2);
/// Timeout of the first connection at start.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Connects once, so that configuration errors surface at start, and migrates the schema.
pub(super) async fn connect(url: &str) -> Result<PgPool, StoreError> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|error| StoreError::Unavailable(error.to_string()))?;
    let at = |error: &dyn std::fmt::Display| {
        StoreError::Unavailable(format!("{}: {error}", location(&options)))
    };
    let first =
        timeout(CONNECT_TIMEOUT, options.connect()).await.map_err(|_| at(&"no response"))?;
    let mut first = first.map_err(|error| at(&error))?;
    // Of several servers that start at once, one migrates and the others wait.
    MIGRATIONS.run(&mut first).await.map_err(|error| at(&migration_error(&error)))?;
    first.close().await?;
    Ok(pool(with_timeouts(&options)))
}

fn pool(options: PgConnectOptions) -> PgPool {
    let pool =
        PgPoolOptions::new().max_connections(MAX_CONNECTIONS).acquire_timeout(ACQUIRE_TIMEOUT);
    // The pool's own test has no timeout: it would wait for minutes if the machine is unreachable.
    let tested = pool
        .test_before_acquire(false)
        .before_acquire(|connection, _| Box::pin(responds(connection)));
    tested.after_release(|connection, _| Box::pin(responds(connection))).connect_lazy_with(options)
}

async fn responds(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    timeout(PING_TIMEOUT, connection.ping())
        .await
        .unwrap_or(Err(sqlx::Error::PoolTimedOut))
        .map(|()| true)
}

/// Makes the database end statements and transactions that hang, so that their locks are released
/// even if this server has lost its network or its power.
fn with_timeouts(options: &PgConnectOptions) -> PgConnectOptions {
    options
        .clone()
        .options([("statement_timeout", "10s"), ("idle_in_transaction_session_timeout", "10s")])
}

/// Returns host and database name, without the password.
pub(super) fn location(options: &PgConnectOptions) -> String {
    let name = options.get_database().unwrap_or_else(|| options.get_username());
    match options.get_socket() {
        Some(socket) => format!("PostgreSQL at {}, database {name}", socket.display()),
        None => {
            format!("PostgreSQL at {}:{}, database {name}", options.get_host(), options.get_port())
        }
    }
}

fn migration_error(error: &MigrateError) -> String {
    match error {
        MigrateError::VersionMissing(version) => {
            format!(
                "the schema (version {version}) belongs to a newer version of this server, or to another server"
            )
        }
        MigrateError::VersionMismatch(_) => {
            "the schema belongs to another server: use a separate database for C".to_owned()
        }
        other => other.to_string(),
    }
}
