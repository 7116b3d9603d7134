use sqlx::SqlitePool;

use crate::accounts::{
    StoreError,
    rows::{DELETE_BATCH, EXPIRED_LOGIN_RETENTION},
};

pub(super) async fn delete_expired(
    pool: &SqlitePool,
    idle_cutoff: i64,
    now: i64,
) -> Result<u64, StoreError> {
    let sessions = sqlx::query(
        "DELETE FROM sessions WHERE id_hash IN \
         (SELECT id_hash FROM sessions WHERE last_seen_at <= $1 OR expires_at <= $2 LIMIT $3)",
    );
    let sessions = sessions.bind(idle_cutoff).bind(now).bind(DELETE_BATCH).execute(pool).await?;
    let logouts = sqlx::query("DELETE FROM used_logout_tokens WHERE expires_at < $1")
        .bind(now)
        .execute(pool)
        .await?;
    let logins = sqlx::query(
        "DELETE FROM pending_logins WHERE state_hash IN \
         (SELECT state_hash FROM pending_logins WHERE expires_at < $1 LIMIT $2)",
    );
    let logins =
        logins.bind(now - EXPIRED_LOGIN_RETENTION).bind(DELETE_BATCH).execute(pool).await?;
    Ok(sessions.rows_affected() + logouts.rows_affected() + logins.rows_affected())
}
