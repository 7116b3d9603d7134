use sqlx::{Connection, SqliteConnection};

use super::{access_tokens, audit_log, issue_tokens, shared_changes};
use crate::{
    domain::{AuditRecord, OpaqueToken},
    storage::{AuditedChange, Change, StoreError},
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
        audit_log::insert_all(connection, &records).await?;
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
    audit_log::insert_all(&mut transaction, &batch.audit).await?;
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
        shared => {
            shared_changes::apply(connection, shared, audit.at_millis.div_euclid(1_000)).await
        }
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
        | StoreError::ChangedSinceRead
        | StoreError::KeysChanged
        | StoreError::AlreadyConsumed
        | StoreError::SessionEnded => true,
        StoreError::ConstraintViolation(_) | StoreError::Unavailable(_) => false,
    }
}
