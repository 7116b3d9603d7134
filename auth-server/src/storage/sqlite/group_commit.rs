use sql_kit::sqlite::TaskConnection;
use sqlx::SqliteConnection;
use tokio::sync::{mpsc, oneshot};

use super::{
    changes::{self, Results},
    writable,
};
use crate::storage::{AuditedChange, StoreError};

/// Applies changes in groups: one commit, and one wait for the disk, for all changes that arrived
/// during the previous commit. Each caller waits for the commit of its own change.
pub(super) struct GroupCommit(mpsc::Sender<Pending>);

/// A change, or a check of the writer if it is `None`.
struct Pending {
    change: Option<AuditedChange>,
    response: Response,
}

type Response = oneshot::Sender<Result<(), StoreError>>;

/// Number of changes that can wait; further callers wait until there is room.
const QUEUE_CAPACITY: usize = 1_024;
/// Maximum number of changes in one commit, which bounds the latency of the first.
const MAX_GROUP: usize = 256;

impl GroupCommit {
    pub(super) fn spawn(connection: TaskConnection) -> Self {
        let (sender, pending) = mpsc::channel(QUEUE_CAPACITY);
        tokio::spawn(write(connection, pending));
        Self(sender)
    }

    /// Checks that the connection of the changes can commit.
    pub(super) async fn check_writable(&self) -> Result<(), StoreError> {
        self.send(None).await
    }

    pub(super) async fn apply(&self, change: AuditedChange) -> Result<(), StoreError> {
        self.send(Some(change)).await
    }

    async fn send(&self, change: Option<AuditedChange>) -> Result<(), StoreError> {
        let (response, applied) = oneshot::channel();
        self.0.send(Pending { change, response }).await.map_err(|_| stopped())?;
        applied.await.map_err(|_| stopped())?
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable("the writer has stopped".to_owned())
}

async fn write(mut connection: TaskConnection, mut pending: mpsc::Receiver<Pending>) {
    let mut group = Vec::with_capacity(MAX_GROUP);
    while pending.recv_many(&mut group, MAX_GROUP).await > 0 {
        let (mut changes, mut waiting, mut checks) = (Vec::new(), Vec::new(), Vec::new());
        for Pending { change, response } in group.drain(..) {
            if let Some(change) = change {
                changes.push(change);
                waiting.push(response);
            } else {
                checks.push(response);
            }
        }
        if !changes.is_empty() {
            respond(waiting, apply(&mut connection, &changes).await);
        }
        if !checks.is_empty() {
            let checked = on_connection(&mut connection, writable::check).await;
            let results = vec![checked; checks.len()];
            respond(checks, results);
        }
    }
}

fn respond(waiting: Vec<Response>, results: Results) {
    for (response, result) in waiting.into_iter().zip(results) {
        // The receiver is gone if the request was cancelled. The change is stored anyway.
        let _ = response.send(result);
    }
}

/// Applies a group. If the database rejects one of the changes, applies each on its own.
async fn apply(connection: &mut TaskConnection, changes: &[AuditedChange]) -> Results {
    let committed =
        on_connection(connection, async |connection| changes::commit(connection, changes).await);
    match committed.await {
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

/// Runs a transaction. If the database fails, the next transaction gets a new connection: this one
/// may be left with a transaction that it can neither commit nor roll back.
async fn on_connection<T>(
    connection: &mut TaskConnection,
    transaction: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let result = transaction(&mut *connection.get().await?).await;
    if matches!(result, Err(StoreError::Unavailable(_))) {
        connection.discard();
    }
    result
}
