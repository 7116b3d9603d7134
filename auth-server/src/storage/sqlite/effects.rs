use sqlx::SqliteConnection;

use super::{
    consents, devices,
    grants::{self, Of},
    pushed, registrations,
    sessions::{self, Sessions},
};
use crate::storage::{AuditedChange, Change, DeviceDecision, StoreError};

/// Carry out what an entry changes. The inner error is this entry's own: somebody was quicker, and
/// nothing was changed. The outer one is the database's, and undoes the whole group.
pub(super) async fn apply(
    connection: &mut SqliteConnection,
    entry: &AuditedChange,
) -> Result<Result<(), StoreError>, StoreError> {
    let now = entry.audit.at_millis.div_euclid(1_000);
    match &entry.change {
        // Done for the whole group at once.
        Change::None
        | Change::StoreOpaqueToken(_)
        | Change::RevokeToken { .. }
        | Change::IssueTokens(_) => {}
        Change::StartSession { session, shown } => {
            if let Err(error) = sessions::start(connection, session, shown).await {
                return own(error);
            }
        }
        Change::Authorize(yes) => {
            if let Err(error) = sessions::must_live(connection, &yes.grant.sid).await {
                return own(error);
            }
            if let Some(pushed) = &yes.pushed
                && let Err(error) = pushed::spend(connection, pushed).await
            {
                return own(error);
            }
            if let Some(consent) = &yes.consent {
                consents::remember(connection, consent).await?;
            }
            grants::add(connection, &yes.grant, &yes.code).await?;
        }
        Change::DecideDevice(decision) => {
            let DeviceDecision { device, exp, grant } = &**decision;
            if let Some(grant) = grant
                && let Err(error) = sessions::must_live(connection, &grant.sid).await
            {
                return own(error);
            }
            if let Err(error) = devices::decide(connection, device, grant.as_ref(), *exp).await {
                return own(error);
            }
        }
        Change::RevokeGrant { grant_id } => {
            grants::revoke(connection, Of::Grant(grant_id), now).await?
        }
        Change::EndSession { sid } => {
            sessions::end(connection, Sessions::Named(sid), now).await?;
            grants::revoke(connection, Of::Session(sid), now).await?;
        }
        Change::RevokeConsent { sub, client_id } => {
            consents::forget(connection, sub, client_id).await?;
            grants::revoke(connection, Of::UserAtClient { sub, client_id }, now).await?;
        }
        Change::RegisterClient { registration, at_most } => {
            if let Err(error) = registrations::add(connection, registration, *at_most).await {
                return own(error);
            }
        }
        Change::UpdateRegistration(changed) => {
            if let Err(error) = registrations::change(connection, changed, now).await {
                return own(error);
            }
        }
        Change::DeleteRegistration { client_id, token } => {
            if let Err(error) = registrations::remove(connection, client_id, token, now).await {
                return own(error);
            }
        }
    }
    Ok(Ok(()))
}

/// Whose error is it?
fn own(error: StoreError) -> Result<Result<(), StoreError>, StoreError> {
    match error {
        StoreError::AlreadyConsumed
        | StoreError::SessionEnded
        | StoreError::ClientNotFound(_)
        | StoreError::ClientExists(_)
        | StoreError::RegistrationLimitReached => Ok(Err(error)),
        other => Err(other),
    }
}
