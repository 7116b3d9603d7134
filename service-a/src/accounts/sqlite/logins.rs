use sqlx::{Row, SqlitePool, sqlite::SqliteRow};

use crate::{
    accounts::{PendingLogin, Purpose, StoreError},
    random_id::Digest,
};

/// Whoever comes back late is told so, not taken for a forger, as long as the row is still there.
const REMEMBER_EXPIRED: i64 = 3_600;
pub(super) const SWEEP_BATCH: i64 = 500;

pub(super) async fn begin(pool: &SqlitePool, pending: &PendingLogin) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO pending_logins (state_hash, browser_hash, provider, purpose, session_hash, secrets, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&pending.state.0[..])
    .bind(&pending.browser.0[..])
    .bind(&pending.provider)
    .bind(pending.purpose.as_str())
    .bind(pending.session.as_ref().map(|hash| hash.0.to_vec()))
    .bind(&pending.secrets)
    .bind(pending.expires_at)
    .execute(pool)
    .await?;
    Ok(())
}

pub(super) async fn take(
    pool: &SqlitePool,
    state: &Digest,
    browser: &Digest,
) -> Result<Option<PendingLogin>, StoreError> {
    // One statement: of two answers with the same state, one finds the row.
    let row = sqlx::query(
        "DELETE FROM pending_logins WHERE state_hash = $1 AND browser_hash = $2 \
         RETURNING state_hash, browser_hash, provider, purpose, session_hash, secrets, expires_at",
    )
    .bind(&state.0[..])
    .bind(&browser.0[..])
    .fetch_optional(pool)
    .await?;
    row.as_ref().map(pending_login).transpose()
}

fn pending_login(row: &SqliteRow) -> Result<PendingLogin, StoreError> {
    let purpose: &str = row.try_get("purpose")?;
    let session: Option<Vec<u8>> = row.try_get("session_hash")?;
    Ok(PendingLogin {
        state: digest(row.try_get("state_hash")?)?,
        browser: digest(row.try_get("browser_hash")?)?,
        provider: row.try_get("provider")?,
        purpose: Purpose::parse(purpose)
            .ok_or_else(|| StoreError::Unavailable(format!("a pending login has the unknown purpose `{purpose}`")))?,
        session: session.map(digest).transpose()?,
        secrets: row.try_get("secrets")?,
        expires_at: row.try_get("expires_at")?,
    })
}

pub(super) fn digest(bytes: Vec<u8>) -> Result<Digest, StoreError> {
    let wrong = |_| StoreError::Unavailable("a stored hash is not 32 bytes long".to_owned());
    bytes.try_into().map(Digest).map_err(wrong)
}

pub(super) async fn sweep(pool: &SqlitePool, now: i64) -> Result<u64, StoreError> {
    let gone = sqlx::query(
        "DELETE FROM pending_logins WHERE state_hash IN \
         (SELECT state_hash FROM pending_logins WHERE expires_at < $1 LIMIT $2)",
    )
    .bind(now - REMEMBER_EXPIRED)
    .bind(SWEEP_BATCH)
    .execute(pool)
    .await?;
    Ok(gone.rows_affected())
}
