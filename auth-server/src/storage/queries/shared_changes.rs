use super::{
    backend::Connection, client_registrations, clients, consents, devices, grants, keys,
    pushed_requests, sessions, users,
};
use crate::storage::{
    Change, DeviceDecision, StoreError,
    sql::{grants::GrantSelector, sessions::SessionSelector},
};

/// Applies a change that both backends apply alike, in a transaction of the caller.
///
/// # Errors
/// Returns an error if the change cannot be applied, or if the backend applies it itself.
pub(super) async fn apply(
    connection: &mut Connection,
    change: &Change,
    now: i64,
) -> Result<(), StoreError> {
    match change {
        Change::None
        | Change::IssueTokens(_)
        | Change::StoreOpaqueToken(_)
        | Change::RevokeToken { .. } => {
            Err(StoreError::ConstraintViolation("the backend stores this change itself".to_owned()))
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
        Change::EnableClient { client_id } => clients::enable(connection, client_id).await,
        Change::UpdateClient { client, revision } => {
            clients::update(connection, client, *revision).await
        }
        Change::RemoveClient { client_id } => clients::remove(connection, client_id, now).await,
        Change::AddUser(user) => users::add(connection, user, now).await,
        Change::SetPassword { sub, password } => {
            users::set_password(connection, sub, password, now).await
        }
        Change::UpdateUser { before, claims, attributes } => {
            users::update(connection, before, claims, attributes, now).await
        }
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
