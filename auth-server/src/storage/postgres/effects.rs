use sqlx::{PgConnection, PgPool};

use super::{
    audit, consents, devices,
    grants::{self, Of},
    issue, pushed, registrations,
    sessions::{self, Sessions},
    tokens,
};
use crate::storage::{AuditedChange, Change, DeviceDecision, StoreError};

/// Store what happened, with what it changes. PostgreSQL itself writes the commits of many
/// connections to the disk at once.
pub(super) async fn apply(pool: &PgPool, entry: &AuditedChange) -> Result<(), StoreError> {
    // One statement is a transaction by itself.
    match &entry.change {
        Change::None => return audit::insert(pool, &entry.audit).await,
        Change::IssueTokens(issued) => return issue::issue(pool, issued, &entry.audit).await,
        _ => {}
    }
    let mut transaction = pool.begin().await?;
    apply_change(&mut transaction, entry).await?;
    audit::insert(&mut *transaction, &entry.audit).await?;
    Ok(transaction.commit().await?)
}

async fn apply_change(
    connection: &mut PgConnection,
    entry: &AuditedChange,
) -> Result<(), StoreError> {
    let now = entry.audit.at_millis.div_euclid(1_000);
    match &entry.change {
        Change::None | Change::IssueTokens(_) => Ok(()),
        Change::StoreOpaqueToken(token) => tokens::remember(connection, token).await,
        Change::RevokeToken { jti, exp } => tokens::revoke(connection, jti, *exp).await,
        Change::StartSession { session, shown } => {
            sessions::start(connection, session, shown).await
        }
        Change::Authorize(yes) => {
            sessions::must_live(connection, &yes.grant.sid).await?;
            if let Some(hash) = &yes.pushed {
                pushed::spend(connection, hash).await?;
            }
            if let Some(consent) = &yes.consent {
                consents::remember(connection, consent).await?;
            }
            grants::add(connection, &yes.grant, &yes.code).await
        }
        Change::DecideDevice(decision) => {
            let DeviceDecision { device, exp, grant } = &**decision;
            if let Some(grant) = grant {
                sessions::must_live(connection, &grant.sid).await?;
            }
            devices::decide(connection, device, grant.as_ref(), *exp).await
        }
        Change::RevokeGrant { grant_id } => {
            grants::revoke(connection, Of::Grant(grant_id), now).await
        }
        Change::EndSession { sid } => {
            sessions::end(connection, Sessions::Named(sid), now).await?;
            grants::revoke(connection, Of::Session(sid), now).await
        }
        Change::RevokeConsent { sub, client_id } => {
            consents::forget(connection, sub, client_id).await?;
            grants::revoke(connection, Of::UserAtClient { sub, client_id }, now).await
        }
        Change::RegisterClient { registration, at_most } => {
            registrations::add(connection, registration, *at_most).await
        }
        Change::UpdateRegistration(changed) => {
            registrations::change(connection, changed, now).await
        }
        Change::DeleteRegistration { client_id, token } => {
            registrations::remove(connection, client_id, token, now).await
        }
    }
}
