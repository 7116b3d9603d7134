use sqlx::PgPool;

use super::{access_tokens, audit_log, issue_tokens, shared_changes};
use crate::storage::{AuditedChange, Change, StoreError};

/// Applies a change and stores its audit record in one transaction. PostgreSQL itself groups the
/// commits of concurrent connections.
pub(super) async fn apply(
    pool: &PgPool,
    AuditedChange { audit, change }: &AuditedChange,
) -> Result<(), StoreError> {
    match change {
        // Each a single statement, which is a transaction by itself and saves two round trips.
        Change::None => return audit_log::insert(pool, audit).await,
        Change::IssueTokens(issuance) => return issue_tokens::issue(pool, issuance, audit).await,
        _ => {}
    }
    let mut transaction = pool.begin().await?;
    match change {
        Change::StoreOpaqueToken(token) => {
            access_tokens::insert_opaque(&mut transaction, token).await?;
        }
        Change::RevokeToken { jti, exp } => {
            access_tokens::insert_revoked(&mut transaction, jti, *exp).await?;
        }
        shared => {
            let now = audit.at_millis.div_euclid(1_000);
            shared_changes::apply(&mut transaction, shared, now).await?;
        }
    }
    audit_log::insert(&mut *transaction, audit).await?;
    transaction.commit().await?;
    Ok(())
}
