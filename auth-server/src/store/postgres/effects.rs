use sqlx::{PgConnection, PgPool};

use super::{
    audit, consents, devices,
    grants::{self, Of},
    issue, pushed, registrations,
    sessions::{self, Sessions},
    tokens,
};
use crate::store::{DeviceDecision, Effect, Entry, StoreError};

/// Store what happened, with what it changes. PostgreSQL itself writes the commits of many
/// connections to the disk at once.
pub(super) async fn append(pool: &PgPool, entry: &Entry) -> Result<(), StoreError> {
    // One statement is a transaction by itself.
    match &entry.effect {
        Effect::Nothing => return audit::insert(pool, &entry.audit).await,
        Effect::Issue(issued) => return issue::issue(pool, issued, &entry.audit).await,
        _ => {}
    }
    let mut transaction = pool.begin().await?;
    apply(&mut transaction, entry).await?;
    audit::insert(&mut *transaction, &entry.audit).await?;
    Ok(transaction.commit().await?)
}

async fn apply(connection: &mut PgConnection, entry: &Entry) -> Result<(), StoreError> {
    let now = entry.audit.at_millis.div_euclid(1_000);
    match &entry.effect {
        Effect::Nothing | Effect::Issue(_) => Ok(()),
        Effect::Remember(token) => tokens::remember(connection, token).await,
        Effect::Revoke { jti, exp } => tokens::revoke(connection, jti, *exp).await,
        Effect::StartSession { session, shown } => {
            sessions::start(connection, session, shown).await
        }
        Effect::Authorize(yes) => {
            sessions::must_live(connection, &yes.grant.sid).await?;
            if let Some(hash) = &yes.pushed {
                pushed::spend(connection, hash).await?;
            }
            if let Some(consent) = &yes.consent {
                consents::remember(connection, consent).await?;
            }
            grants::add(connection, &yes.grant, &yes.code).await
        }
        Effect::DecideDevice(decision) => {
            let DeviceDecision { device, exp, grant } = &**decision;
            if let Some(grant) = grant {
                sessions::must_live(connection, &grant.sid).await?;
            }
            devices::decide(connection, device, grant.as_ref(), *exp).await
        }
        Effect::RevokeGrant { grant_id } => {
            grants::revoke(connection, Of::Grant(grant_id), now).await
        }
        Effect::EndSession { sid } => {
            sessions::end(connection, Sessions::Named(sid), now).await?;
            grants::revoke(connection, Of::Session(sid), now).await
        }
        Effect::WithdrawConsent { sub, client_id } => {
            consents::forget(connection, sub, client_id).await?;
            grants::revoke(connection, Of::UserAtClient { sub, client_id }, now).await
        }
        Effect::Register { registration, at_most } => {
            registrations::add(connection, registration, *at_most).await
        }
        Effect::Reregister(changed) => registrations::change(connection, changed, now).await,
        Effect::Unregister { client_id, token } => {
            registrations::remove(connection, client_id, token, now).await
        }
    }
}
