//! What the shared queries take from PostgreSQL.

use sqlx::PgTransaction;
pub(super) use sqlx::{PgConnection as Connection, PgPool as Pool};

use crate::{
    accounts::{ExternalIdentity, StoreError},
    random_id::Digest,
};

/// Makes concurrent changes of the selected rows wait.
pub(super) const FOR_UPDATE: &str = "FOR UPDATE";
/// Like [`FOR_UPDATE`], but rows that refer to the selected ones can still be inserted.
pub(super) const FOR_NO_KEY_UPDATE: &str = "FOR NO KEY UPDATE";

/// Begins a transaction that writes.
pub(super) async fn begin(pool: &Pool) -> Result<PgTransaction<'static>, StoreError> {
    Ok(pool.begin().await?)
}

/// Locks the identity and its e-mail address until the transaction ends. Rows cannot be locked,
/// because they may not exist yet, so advisory locks on hashes are used.
pub(super) async fn lock_identity(
    connection: &mut Connection,
    external: &ExternalIdentity,
) -> Result<(), StoreError> {
    let identity = &external.identity;
    let identity_key = lock_key(&format!("identity {} {}", identity.issuer, identity.subject));
    let email_key = external
        .profile
        .email
        .as_ref()
        .map(|email| lock_key(&format!("email {}", email.normalized())));
    let mut keys: Vec<i64> = email_key.into_iter().chain([identity_key]).collect();
    // A fixed order prevents deadlocks.
    keys.sort_unstable();
    for key in keys {
        sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(key).execute(&mut *connection).await?;
    }
    Ok(())
}

/// A hash collision only causes an unnecessary wait.
fn lock_key(name: &str) -> i64 {
    let Digest(hash) = Digest::of(name);
    i64::from_be_bytes([hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]])
}
