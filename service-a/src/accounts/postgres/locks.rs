use sqlx::PgConnection;

use crate::{
    accounts::{ExternalIdentity, StoreError},
    random_id::Digest,
};

/// Locks the identity and its e-mail address until the transaction ends. Rows cannot be locked,
/// because they may not exist yet, so advisory locks on hashes are used.
pub(super) async fn lock_identity(
    connection: &mut PgConnection,
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
