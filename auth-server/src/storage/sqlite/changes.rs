use sqlx::{Connection, SqliteConnection};

use super::{
    access_tokens, audit_log, client_registrations, clients, consents, devices, grants,
    issue_tokens, keys, pushed_requests, sessions, users,
};
use crate::{
    domain::{AuditRecord, OpaqueToken},
    storage::{
        AuditedChange, Change, DeviceDecision, StoreError,
        sql::{grants::GrantSelector, sessions::SessionSelector},
    },
};

/// The result of each change of a group.
pub(super) type Results = Vec<Result<(), StoreError>>;

/// Rows of the whole group, which one statement per table stores.
#[derive(Default)]
struct Batch<'a> {
    audit: Vec<&'a AuditRecord>,
    opaque_tokens: Vec<&'a OpaqueToken>,
    revocations: Vec<(&'a str, i64)>,
}

/// Applies a group of changes and stores their audit records in one transaction.
///
/// # Errors
/// The inner results are those of single changes, which changed nothing if they failed. The outer
/// error is the database's and undoes the whole group.
pub(super) async fn commit(
    connection: &mut SqliteConnection,
    group: &[AuditedChange],
) -> Result<Results, StoreError> {
    if group.iter().all(|entry| matches!(entry.change, Change::None)) {
        // A single statement is a transaction by itself, which saves BEGIN and COMMIT.
        let records: Vec<_> = group.iter().map(|entry| &entry.audit).collect();
        audit_log::insert(connection, &records).await?;
        return Ok(vec![Ok(()); group.len()]);
    }
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    // No caller has a response yet, so changes of a group can be applied in any order. Tokens are
    // issued first, so that revocations include them.
    let mut issued = issue_tokens::issue_all(&mut transaction, group).await?.into_iter();
    let mut batch = Batch::default();
    let mut results = Vec::with_capacity(group.len());
    for entry in group {
        let issued = issued.next().unwrap_or(Ok(()));
        let result = match issued {
            Ok(()) => apply(&mut transaction, entry, &mut batch).await,
            failed => failed,
        };
        match result {
            Ok(()) => batch.audit.push(&entry.audit),
            Err(ref error) if !is_of_one_change(error) => return result.map(|()| results),
            Err(_) => {}
        }
        results.push(result);
    }
    audit_log::insert(&mut transaction, &batch.audit).await?;
    access_tokens::insert_opaque(&mut transaction, &batch.opaque_tokens).await?;
    access_tokens::insert_revoked(&mut transaction, &batch.revocations).await?;
    transaction.commit().await?;
    Ok(results)
}

/// Applies one change, or adds it to the batch. Token issuance is already done at this point.
async fn apply<'a>(
    connection: &mut SqliteConnection,
    AuditedChange { audit, change }: &'a AuditedChange,
    batch: &mut Batch<'a>,
) -> Result<(), StoreError> {
    let now = audit.at_millis.div_euclid(1_000);
    match change {
        Change::None => Ok(()),
        Change::StoreOpaqueToken(token) => {
            batch.opaque_tokens.push(token);
            Ok(())
        }
        Change::RevokeToken { jti, exp } => {
            batch.revocations.push((jti, *exp));
            Ok(())
        }
        Change::IssueTokens(issuance) => {
            batch.opaque_tokens.extend(&issuance.opaque);
            Ok(())
        }
        Change::StartSession { session, verified_hash } => {
            sessions::start(connection, session, verified_hash).await
        }
        Change::Authorize(authorization) => {
            sessions::ensure_active(connection, &authorization.grant.sid).await?;
            if let Some(pushed) = &authorization.pushed {
                pushed_requests::consume(connection, pushed).await?;
            }
            if let Some(consent) = &authorization.consent {
                consents::upsert(connection, consent).await?;
            }
            grants::add_with_code(connection, &authorization.grant, &authorization.code).await
        }
        Change::ConsumePushedRequest { hash } => pushed_requests::consume(connection, hash).await,
        Change::DecideDevice(decision) => {
            let DeviceDecision { device, exp, grant } = &**decision;
            if let Some(grant) = grant {
                sessions::ensure_active(connection, &grant.sid).await?;
            }
            devices::decide(connection, device, grant.as_ref(), *exp).await
        }
        Change::RevokeGrant { grant_id } => {
            grants::revoke(connection, GrantSelector::Grant(grant_id), now).await
        }
        Change::EndSession { sid } => {
            sessions::end(connection, SessionSelector::WithSid(sid), now).await?;
            grants::revoke(connection, GrantSelector::Session(sid), now).await
        }
        Change::RevokeConsent { sub, client_id } => {
            consents::delete(connection, sub, client_id).await?;
            grants::revoke(connection, GrantSelector::UserAtClient { sub, client_id }, now).await
        }
        Change::RegisterClient { registration, max_clients } => {
            client_registrations::add(connection, registration, *max_clients).await
        }
        Change::UpdateRegistration(update) => {
            client_registrations::update(connection, update, now).await
        }
        Change::DeleteRegistration { client_id, token } => {
            client_registrations::remove(connection, client_id, token, now).await
        }
        Change::AddClient(client) => clients::add(connection, client, now).await,
        Change::RotateClientSecret { client_id, new, old_until } => {
            clients::rotate_secret(connection, client_id, new, *old_until, now).await
        }
        Change::ApproveClient { client_id } => {
            client_registrations::approve(connection, client_id).await
        }
        Change::DisableClient { client_id } => clients::disable(connection, client_id, now).await,
        Change::EnableClient { client_id } => clients::enable(connection, client_id, now).await,
        Change::UpdateClient(client) => clients::update(connection, client).await,
        Change::RemoveClient { client_id } => clients::remove(connection, client_id, now).await,
        Change::AddUser(user) => users::add(connection, user, now).await,
        Change::SetPassword { sub, password } => {
            users::set_password(connection, sub, password, now).await
        }
        Change::UpdateUser { sub, claims } => users::update(connection, sub, claims, now).await,
        Change::SignOutUser { sub } => users::sign_out(connection, sub, now).await,
        Change::DisableUser { sub } => users::disable(connection, sub, now).await,
        Change::EnableUser { sub } => users::enable(connection, sub, now).await,
        Change::RemoveUser { sub } => users::remove(connection, sub, now).await,
        Change::RevokeGrants(owner) => grants::revoke(connection, owner.into(), now).await,
        Change::InstallKeys { current, next } => {
            keys::install(connection, current, next, now).await
        }
        Change::PublishKey { key } => keys::publish(connection, key, now).await,
        Change::ActivateKey { kid, new_next } => {
            keys::activate(connection, kid, new_next, now).await
        }
        Change::RotateKey { current, new_next } => {
            keys::rotate(connection, current, new_next, now).await
        }
        Change::WithdrawKey { kid } => keys::withdraw(connection, kid).await,
    }
}

/// Returns whether the error concerns a single change, which then has changed nothing.
fn is_of_one_change(error: &StoreError) -> bool {
    match error {
        StoreError::ClientNotFound(_)
        | StoreError::RegistrationLimitReached
        | StoreError::ClientExists(_)
        | StoreError::UserNotFound(_)
        | StoreError::UserExists(_)
        | StoreError::KeysChanged
        | StoreError::AlreadyConsumed
        | StoreError::SessionEnded => true,
        StoreError::ConstraintViolation(_) | StoreError::Unavailable(_) => false,
    }
}
