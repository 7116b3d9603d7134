use serde::Serialize;
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::sync::{mpsc, oneshot};

use super::{effects, issues};
use crate::{
    domain::AuditRecord,
    storage::{AuditedChange, Change, StoreError},
};

/// Writes entries in groups: one commit, one wait for the disk, for all that came while the last
/// one ran. Each caller waits for the commit that holds its own entry.
pub(super) struct Journal(mpsc::Sender<Waiting>);

struct Waiting {
    entry: AuditedChange,
    stored: oneshot::Sender<Result<(), StoreError>>,
}

/// So many entries may wait; who comes later waits for a place.
const QUEUE: usize = 1_024;
/// So many go into one commit, so that the first of them is not kept too long.
const GROUP: usize = 256;

impl Journal {
    pub(super) async fn open(options: &SqliteConnectOptions) -> Result<Self, StoreError> {
        let connection = options.connect().await?;
        let (sender, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(write(connection, waiting));
        Ok(Self(sender))
    }

    /// Does anybody take entries?
    pub(super) fn runs(&self) -> Result<(), StoreError> {
        if self.0.is_closed() { Err(stopped()) } else { Ok(()) }
    }

    pub(super) async fn apply(&self, entry: AuditedChange) -> Result<(), StoreError> {
        let (stored, answer) = oneshot::channel();
        self.0.send(Waiting { entry, stored }).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

fn stopped() -> StoreError {
    StoreError::Unavailable("the journal has stopped".to_owned())
}

async fn write(mut connection: SqliteConnection, mut waiting: mpsc::Receiver<Waiting>) {
    let mut group = Vec::with_capacity(GROUP);
    while waiting.recv_many(&mut group, GROUP).await > 0 {
        let results = store(&mut connection, &group).await;
        for (Waiting { stored, .. }, result) in group.drain(..).zip(results) {
            // Whoever has hung up meanwhile misses nothing: the entry is stored.
            let _ = stored.send(result);
        }
    }
}

type Results = Vec<Result<(), StoreError>>;

/// Store a group, or tell why not. When one entry is at fault, the others are stored without it.
async fn store(connection: &mut SqliteConnection, group: &[Waiting]) -> Results {
    match commit(connection, group).await {
        Ok(results) => results,
        Err(StoreError::ConstraintViolation(_)) if group.len() > 1 => {
            one_by_one(connection, group).await
        }
        Err(error) => {
            tracing::error!(%error, entries = group.len(), "entries could not be stored; their requests are refused");
            vec![Err(error); group.len()]
        }
    }
}

async fn one_by_one(connection: &mut SqliteConnection, group: &[Waiting]) -> Results {
    let mut results = Vec::with_capacity(group.len());
    for one in group.chunks(1) {
        // Boxed, as a commit of one entry comes back to `store`.
        results.append(&mut Box::pin(store(connection, one)).await);
    }
    results
}

async fn commit(
    connection: &mut SqliteConnection,
    group: &[Waiting],
) -> Result<Results, StoreError> {
    if group.iter().all(|waiting| matches!(waiting.entry.change, Change::None)) {
        // One statement is a transaction by itself, and spares the two that would begin and end it.
        insert(connection, INSERT_AUDIT, group.iter().map(audit_row).collect()).await?;
        return Ok(vec![Ok(()); group.len()]);
    }
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let entries: Vec<&AuditedChange> = group.iter().map(|waiting| &waiting.entry).collect();
    // None of them was answered yet, so that they may have happened in any order: tokens first, and
    // what is revoked ends with those.
    let issued = issues::issue_all(&mut transaction, &entries).await?;
    let mut results = Vec::with_capacity(group.len());
    for (entry, issued) in entries.into_iter().zip(issued) {
        results.push(match issued {
            Ok(()) => effects::apply(&mut transaction, entry).await?,
            spent => spent,
        });
    }
    let done = || {
        group.iter().zip(&results).filter(|(_, result)| result.is_ok()).map(|(waiting, _)| waiting)
    };
    insert(&mut transaction, INSERT_AUDIT, done().map(audit_row).collect()).await?;
    insert(&mut transaction, INSERT_TOKENS, done().filter_map(token_row).collect()).await?;
    insert(&mut transaction, INSERT_REVOKED, done().filter_map(revoked_row).collect()).await?;
    transaction.commit().await?;
    Ok(results)
}

/// One statement for any number of rows: they travel as one JSON array.
pub(super) async fn insert(
    connection: &mut SqliteConnection,
    statement: &'static str,
    rows: Vec<impl Serialize>,
) -> Result<(), StoreError> {
    if !rows.is_empty() {
        sqlx::query(statement).bind(serde_json::to_string(&rows)?).execute(connection).await?;
    }
    Ok(())
}

fn audit_row(Waiting { entry, .. }: &Waiting) -> impl Serialize {
    let AuditRecord { at_millis, event, outcome, client_id, sub, jti, scope, address, error } =
        &entry.audit;
    (at_millis, event.as_str(), outcome.as_str(), client_id, sub, jti, scope, address, error)
}

fn token_row(Waiting { entry, .. }: &Waiting) -> Option<impl Serialize> {
    let token = match &entry.change {
        Change::StoreOpaqueToken(token) => token,
        Change::IssueTokens(issued) => issued.opaque.as_ref()?,
        _ => return None,
    };
    Some((token.hash.hex(), &token.claims, token.claims.exp))
}

fn revoked_row(Waiting { entry, .. }: &Waiting) -> Option<impl Serialize> {
    let Change::RevokeToken { jti, exp } = &entry.change else { return None };
    Some((jti, exp))
}

const INSERT_AUDIT: &str = "INSERT INTO audit (at_millis, event, outcome, client_id, sub, jti, scope, address, error) \
     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, \
     value ->> 8 FROM json_each($1)";
const INSERT_TOKENS: &str = "INSERT INTO opaque_tokens (hash, claims, exp) \
     SELECT unhex(value ->> 0), value -> 1, value ->> 2 FROM json_each($1)";
const INSERT_REVOKED: &str = "INSERT INTO revoked_tokens (jti, exp) \
     SELECT value ->> 0, value ->> 1 FROM json_each($1) WHERE true ON CONFLICT (jti) DO NOTHING";
