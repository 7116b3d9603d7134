use sqlx::SqlitePool;

use crate::{
    accounts::{
        PendingLogin, StoreError,
        rows::{PendingLoginRow, REMEMBER_EXPIRED, SWEEP_BATCH},
        statements::{BEGIN_LOGIN, TAKE_LOGIN},
    },
    random_id::Digest,
};

pub(super) async fn begin(pool: &SqlitePool, pending: &PendingLogin) -> Result<(), StoreError> {
    sqlx::query(BEGIN_LOGIN)
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
    let row: Option<PendingLoginRow> = sqlx::query_as(TAKE_LOGIN)
        .bind(&state.0[..])
        .bind(&browser.0[..])
        .fetch_optional(pool)
        .await?;
    row.map(PendingLogin::try_from).transpose()
}

pub(super) async fn sweep(pool: &SqlitePool, now: i64) -> Result<u64, StoreError> {
    let gone = sqlx::query(
        "DELETE FROM pending_logins WHERE state_hash IN \
         (SELECT state_hash FROM pending_logins WHERE expires_at < $1 LIMIT $2)",
    );
    Ok(gone.bind(now - REMEMBER_EXPIRED).bind(SWEEP_BATCH).execute(pool).await?.rows_affected())
}
