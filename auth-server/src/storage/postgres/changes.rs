use sqlx::{PgConnection, PgPool, PgTransaction};

use super::{
    access_tokens, audit_log, client_registrations, clients, consents, devices, grants,
    issue_tokens, keys, pushed_requests, sessions, users,
};
use crate::{
    domain::AuditRecord,
    storage::{
        AuditedChange, Change, DeviceDecision, StoreError,
        sql::{grants::GrantSelector, sessions::SessionSelector},
    },
};

/// Applies a change and stores its audit record in one transaction. PostgreSQL itself groups the
/// commits of concurrent connections.
pub(super) async fn apply(
    pool: &PgPool,
    AuditedChange { audit, change }: &AuditedChange,
) -> Result<(), StoreError> {
    let now = audit.at_millis.div_euclid(1_000);
    let mut transaction = LazyTransaction { pool, transaction: None };
    match change {
        // Each a single statement, which is a transaction by itself and saves two round trips.
        Change::None => return audit_log::insert(pool, audit).await,
        Change::IssueTokens(issuance) => return issue_tokens::issue(pool, issuance, audit).await,
        Change::StoreOpaqueToken(token) => {
            access_tokens::insert_opaque(transaction.begin().await?, token).await?;
        }
        Change::RevokeToken { jti, exp } => {
            access_tokens::insert_revoked(transaction.begin().await?, jti, *exp).await?;
        }
        Change::StartSession { session, verified_hash } => {
            sessions::start(transaction.begin().await?, session, verified_hash).await?;
        }
        Change::Authorize(authorization) => {
            let connection = transaction.begin().await?;
            sessions::ensure_active(connection, &authorization.grant.sid).await?;
            if let Some(pushed) = &authorization.pushed {
                pushed_requests::consume(connection, pushed).await?;
            }
            if let Some(consent) = &authorization.consent {
                consents::upsert(connection, consent).await?;
            }
            grants::add_with_code(connection, &authorization.grant, &authorization.code).await?;
        }
        Change::ConsumePushedRequest { hash } => {
            pushed_requests::consume(transaction.begin().await?, hash).await?;
        }
        Change::DecideDevice(decision) => {
            let connection = transaction.begin().await?;
            let DeviceDecision { device, exp, grant } = &**decision;
            if let Some(grant) = grant {
                sessions::ensure_active(connection, &grant.sid).await?;
            }
            devices::decide(connection, device, grant.as_ref(), *exp).await?;
        }
        Change::RevokeGrant { grant_id } => {
            let connection = transaction.begin().await?;
            grants::revoke(connection, GrantSelector::Grant(grant_id), now).await?;
        }
        Change::EndSession { sid } => {
            let connection = transaction.begin().await?;
            sessions::end(connection, SessionSelector::WithSid(sid), now).await?;
            grants::revoke(connection, GrantSelector::Session(sid), now).await?;
        }
        Change::RevokeConsent { sub, client_id } => {
            let connection = transaction.begin().await?;
            consents::delete(connection, sub, client_id).await?;
            grants::revoke(connection, GrantSelector::UserAtClient { sub, client_id }, now).await?;
        }
        Change::RegisterClient { registration, max_clients } => {
            let connection = transaction.begin().await?;
            client_registrations::add(connection, registration, *max_clients).await?;
        }
        Change::UpdateRegistration(update) => {
            client_registrations::update(transaction.begin().await?, update, now).await?;
        }
        Change::DeleteRegistration { client_id, token } => {
            let connection = transaction.begin().await?;
            client_registrations::remove(connection, client_id, token, now).await?;
        }
        Change::AddClient(client) => clients::add(transaction.begin().await?, client, now).await?,
        Change::RotateClientSecret { client_id, new, old_until } => {
            let connection = transaction.begin().await?;
            clients::rotate_secret(connection, client_id, new, *old_until, now).await?;
        }
        Change::ApproveClient { client_id } => {
            client_registrations::approve(transaction.begin().await?, client_id).await?;
        }
        Change::DisableClient { client_id } => {
            clients::disable(transaction.begin().await?, client_id, now).await?;
        }
        Change::EnableClient { client_id } => {
            clients::enable(transaction.begin().await?, client_id, now).await?;
        }
        Change::UpdateClient(client) => {
            clients::update(transaction.begin().await?, client).await?;
        }
        Change::RemoveClient { client_id } => {
            clients::remove(transaction.begin().await?, client_id, now).await?;
        }
        Change::AddUser(user) => users::add(transaction.begin().await?, user, now).await?,
        Change::SetPassword { sub, password } => {
            users::set_password(transaction.begin().await?, sub, password, now).await?;
        }
        Change::UpdateUser { sub, claims } => {
            users::update(transaction.begin().await?, sub, claims, now).await?;
        }
        Change::SignOutUser { sub } => {
            users::sign_out(transaction.begin().await?, sub, now).await?;
        }
        Change::DisableUser { sub } => users::disable(transaction.begin().await?, sub, now).await?,
        Change::EnableUser { sub } => users::enable(transaction.begin().await?, sub, now).await?,
        Change::RemoveUser { sub } => users::remove(transaction.begin().await?, sub, now).await?,
        Change::RevokeGrants(owner) => {
            grants::revoke(transaction.begin().await?, owner.into(), now).await?;
        }
        Change::InstallKeys { current, next } => {
            keys::install(transaction.begin().await?, current, next, now).await?;
        }
        Change::PublishKey { key } => {
            keys::publish(transaction.begin().await?, key, now).await?;
        }
        Change::ActivateKey { kid, new_next } => {
            keys::activate(transaction.begin().await?, kid, new_next, now).await?;
        }
        Change::RotateKey { current, new_next } => {
            keys::rotate(transaction.begin().await?, current, new_next, now).await?;
        }
        Change::WithdrawKey { kid } => keys::withdraw(transaction.begin().await?, kid).await?,
    }
    transaction.commit(audit).await
}

/// A transaction that begins with the first change.
struct LazyTransaction<'a> {
    pool: &'a PgPool,
    transaction: Option<PgTransaction<'static>>,
}

impl LazyTransaction<'_> {
    async fn begin(&mut self) -> Result<&mut PgConnection, StoreError> {
        let transaction = match self.transaction.take() {
            Some(transaction) => transaction,
            None => self.pool.begin().await?,
        };
        Ok(self.transaction.insert(transaction))
    }

    /// Stores the audit record and commits.
    async fn commit(mut self, audit: &AuditRecord) -> Result<(), StoreError> {
        audit_log::insert(self.begin().await?, audit).await?;
        if let Some(transaction) = self.transaction {
            transaction.commit().await?;
        }
        Ok(())
    }
}
