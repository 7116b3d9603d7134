use sqlx::{ConnectOptions, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::sync::{mpsc, oneshot};

use super::changes::{self, Results};
use crate::storage::{AuditedChange, StoreError};

/// Applies changes in groups: one commit, and one wait for the disk, for all changes that arrived
/// during the previous commit. Each caller waits for the commit of its own change.
pub(super) struct GroupCommit(mpsc::Sender<PendingChange>);

struct PendingChange {
    change: AuditedChange,
    response: oneshot::Sender<Result<(), StoreError>>,
}

/// Number of changes that can wait; further callers wait until there is room.
const QUEUE_CAPACITY: usize = 1_024;
/// Maximum number of changes in one commit, which bounds the latency of the first.
const MAX_GROUP: usize = 256;

impl GroupCommit {
    pub(super) async fn open(options: &SqliteConnectOptions) -> Result<Self, StoreError> {
        let connection = options.connect().await?;
        let (sender, pending) = mpsc::channel(QUEUE_CAPACITY);
        tokio::spawn(write(connection, pending));
        Ok(Self(sender))
    }

    /// Checks that the writer task runs.
    pub(super) fn check_running(&self) -> Result<(), StoreError> {
        if self.0.is_closed() { Err(stopped()) } else { Ok(()) }
    }

    pub(super) async fn apply(&self, change: AuditedChange) -> Result<(), StoreError> {
        let (response, applied) = oneshot::channel();
        self.0.send(PendingChange { change, response }).await.map_err(|_| stopped())?;
        applied.await.map_err(|_| stopped())?
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable("the writer has stopped".to_owned())
}

async fn write(mut connection: SqliteConnection, mut pending: mpsc::Receiver<PendingChange>) {
    let mut group = Vec::with_capacity(MAX_GROUP);
    while pending.recv_many(&mut group, MAX_GROUP).await > 0 {
        let (changes, responses): (Vec<_>, Vec<_>) =
            group.drain(..).map(|PendingChange { change, response }| (change, response)).unzip();
        let results = apply(&mut connection, &changes).await;
        for (response, result) in responses.into_iter().zip(results) {
            // The receiver is gone if the request was cancelled. The change is stored anyway.
            let _ = response.send(result);
        }
    }
}

/// Applies a group. If the database rejects one of the changes, applies each on its own.
async fn apply(connection: &mut SqliteConnection, changes: &[AuditedChange]) -> Results {
    match changes::commit(connection, changes).await {
        Ok(results) => results,
        Err(StoreError::ConstraintViolation(_)) if changes.len() > 1 => {
            let mut results = Vec::with_capacity(changes.len());
            for one in changes.chunks(1) {
                // Boxed because the call is recursive.
                results.append(&mut Box::pin(apply(connection, one)).await);
            }
            results
        }
        Err(error) => {
            tracing::error!(%error, changes = changes.len(), "failed to store changes");
            vec![Err(error); changes.len()]
        }
    }
}
