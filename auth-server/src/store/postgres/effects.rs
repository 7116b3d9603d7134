use sqlx::{PgConnection, PgPool};

use super::{
    audit, consents, devices,
    grants::{self, Of},
    pushed, registrations,
    sessions::{self, Sessions},
    tokens,
};
use crate::store::{DeviceDecision, Effect, Entry, StoreError};

/// Store what happened, with what it changes. PostgreSQL itself writes the commits of many connections to the disk at once.
pub(super) async fn append(pool: &PgPool, entry: &Entry) -> Result<(), StoreError> {
    if matches!(entry.effect, Effect::Nothing) {
        // One statement is a transaction by itself.
        return audit::insert(pool, &entry.audit).await;
    }
    let mut transaction = pool.begin().await?;
    apply(&mut transaction, entry).await?;
    audit::insert(&mut *transaction, &entry.audit).await?;
    Ok(transaction.commit().await?)
}

async fn apply(connection: &mut PgConnection, entry: &Entry) -> Result<(), StoreError> {
    let now = entry.audit.at_millis.div_euclid(1_000);
    match &entry.effect {
        Effect::Nothing => Ok(()),
        Effect::Remember(token) => tokens::remember(connection, token).await,
        Effect::Revoke { jti, exp } => tokens::revoke(connection, jti, *exp).await,
        Effect::StartSession { session } => sessions::start(connection, session).await,
        Effect::Authorize(yes) => {
            if let Some(hash) = &yes.pushed {
                pushed::spend(connection, hash).await?;
            }
            if let Some(consent) = &yes.consent {
                consents::remember(connection, consent).await?;
            }
            grants::add(connection, &yes.grant, &yes.code).await
        }
        Effect::Issue(issued) => grants::issue(connection, issued, now).await,
        Effect::DecideDevice(decision) => {
            let DeviceDecision { device, exp, grant } = &**decision;
            devices::decide(connection, device, grant.as_ref(), *exp).await
        }
        Effect::RevokeGrant { grant_id } => grants::revoke(connection, Of::Grant(grant_id), now).await,
        Effect::EndSession { sid } => {
            sessions::end(connection, Sessions::Named(sid), now).await?;
            grants::revoke(connection, Of::Session(sid), now).await
        }
        Effect::WithdrawConsent { sub, client_id } => {
            consents::forget(connection, sub, client_id).await?;
            grants::revoke(connection, Of::UserAtClient { sub, client_id }, now).await
        }
        Effect::Register { registration, at_most } => registrations::add(connection, registration, *at_most).await,
        Effect::Reregister(changed) => registrations::change(connection, changed, now).await,
        Effect::Unregister { client_id, token } => registrations::remove(connection, client_id, token, now).await,
    }
}
