use sqlx::SqliteConnection;

use super::{consents, grants, grants::Of, sessions};
use crate::store::{Effect, Entry, StoreError};

/// Carry out what an entry changes. The inner error is this entry's own: somebody was quicker, and nothing was changed.
/// The outer one is the database's, and undoes the whole group.
pub(super) async fn apply(
    connection: &mut SqliteConnection,
    entry: &Entry,
) -> Result<Result<(), StoreError>, StoreError> {
    let now = entry.audit.at_millis.div_euclid(1_000);
    match &entry.effect {
        // Written in one statement for the whole group.
        Effect::Nothing | Effect::Remember(_) | Effect::Revoke { .. } => {}
        Effect::StartSession { session, replaces } => sessions::start(connection, session, replaces.as_ref()).await?,
        Effect::Authorize(yes) => {
            if let Some(consent) = &yes.consent {
                consents::remember(connection, consent).await?;
            }
            grants::add(connection, &yes.grant, &yes.code).await?;
        }
        Effect::Issue(issued) => return alone(connection, issued, now).await,
        Effect::RevokeGrant { grant_id } => grants::revoke(connection, Of::Grant(grant_id), now).await?,
        Effect::EndSession { sid } => {
            sessions::end(connection, sid).await?;
            grants::revoke(connection, Of::Session(sid), now).await?;
        }
        Effect::WithdrawConsent { sub, client_id } => {
            consents::forget(connection, sub, client_id).await?;
            grants::revoke(connection, Of::UserAtClient { sub, client_id }, now).await?;
        }
    }
    Ok(Ok(()))
}

async fn alone(
    connection: &mut SqliteConnection,
    issued: &crate::domain::IssuedToUser,
    now: i64,
) -> Result<Result<(), StoreError>, StoreError> {
    match grants::issue(connection, issued, now).await {
        Err(StoreError::AlreadySpent) => Ok(Err(StoreError::AlreadySpent)),
        other => other.map(Ok),
    }
}
