use std::{str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions, Connection, PgConnection, PgPool,
    migrate::{MigrateError, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::timeout;

use crate::storage::StoreError;

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// So many connections has a server at most; who comes later waits for one of them.
const CONNECTIONS: u32 = 16;
/// For so long a request waits for a connection. Whoever has waited that long is told to come
/// again.
const PATIENCE: Duration = Duration::from_secs(10);
/// A connection that says nothing for so long is given up, and another one opened.
const SILENCE: Duration = Duration::from_secs(2);
/// For so long the start waits for an answer.
const START_PATIENCE: Duration = Duration::from_secs(10);

/// Connect once, so that what is wrong is known now; bring the database to this version's tables.
pub(super) async fn connect(url: &str) -> Result<PgPool, StoreError> {
    let options = PgConnectOptions::from_str(url)
        .map_err(|error| StoreError::Unavailable(error.to_string()))?;
    let at = |error: &dyn std::fmt::Display| {
        StoreError::Unavailable(format!("{}: {error}", place(&options)))
    };
    let first = timeout(START_PATIENCE, options.connect()).await.map_err(|_| at(&"no answer"))?;
    let mut first = first.map_err(|error| at(&error))?;
    // Of several servers that start at once one does it, and the others wait.
    MIGRATIONS.run(&mut first).await.map_err(|error| at(&migration_failure(&error)))?;
    first.close().await?;
    Ok(pool(patient(&options)))
}

fn pool(options: PgConnectOptions) -> PgPool {
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(PATIENCE);
    // The pool's own test waits for as long as the network does: for minutes, where a machine is
    // gone without a word.
    let tested = pool
        .test_before_acquire(false)
        .before_acquire(|connection, _| Box::pin(answers(connection)));
    tested.after_release(|connection, _| Box::pin(answers(connection))).connect_lazy_with(options)
}

async fn answers(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    timeout(SILENCE, connection.ping())
        .await
        .unwrap_or(Err(sqlx::Error::PoolTimedOut))
        .map(|()| true)
}

/// A statement or a transaction that hangs lets go of what it holds, also when its server has lost
/// its network or its power.
fn patient(options: &PgConnectOptions) -> PgConnectOptions {
    options
        .clone()
        .options([("statement_timeout", "10s"), ("idle_in_transaction_session_timeout", "10s")])
}

/// Where the database is, without the password.
pub(super) fn place(options: &PgConnectOptions) -> String {
    let name = options.get_database().unwrap_or_else(|| options.get_username());
    match options.get_socket() {
        Some(socket) => format!("PostgreSQL at {}, database {name}", socket.display()),
        None => {
            format!("PostgreSQL at {}:{}, database {name}", options.get_host(), options.get_port())
        }
    }
}

fn migration_failure(error: &MigrateError) -> String {
    match error {
        MigrateError::VersionMissing(version) => {
            format!(
                "it belongs to a newer version of this server, with tables of version {version}, or to another server"
            )
        }
        MigrateError::VersionMismatch(_) => {
            "it belongs to another server: give C a database of its own".to_owned()
        }
        other => other.to_string(),
    }
}
