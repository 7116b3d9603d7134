use sqlx::{Row, SqlitePool, sqlite::SqliteRow};

use super::logins::{SWEEP_BATCH, digest};
use crate::{
    accounts::{EndSessions, Identity, Session, StoreError},
    random_id::Digest,
};

/// A session is written as seen at most so often, in seconds: not every page view is worth a write.
const SEEN_STEP: i64 = 30;

pub(super) async fn begin(pool: &SqlitePool, session: &Session, replaces: Option<&Digest>) -> Result<(), StoreError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    if let Some(old) = replaces {
        sqlx::query("DELETE FROM sessions WHERE id_hash = $1").bind(&old.0[..]).execute(&mut *transaction).await?;
    }
    sqlx::query(
        "INSERT INTO sessions (id_hash, account_id, provider, issuer, subject, sid, tokens, seen_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&session.id.0[..])
    .bind(&session.account_id)
    .bind(&session.provider)
    .bind(&session.identity.issuer)
    .bind(&session.identity.subject)
    .bind(&session.sid)
    .bind(&session.tokens)
    .bind(session.seen_at)
    .bind(session.expires_at)
    .execute(&mut *transaction)
    .await?;
    Ok(transaction.commit().await?)
}

pub(super) async fn find(
    pool: &SqlitePool,
    id: &Digest,
    idle_since: i64,
    now: i64,
) -> Result<Option<Session>, StoreError> {
    let row = sqlx::query(
        "SELECT id_hash, account_id, provider, issuer, subject, sid, tokens, seen_at, expires_at FROM sessions \
         WHERE id_hash = $1 AND seen_at > $2 AND expires_at > $3",
    )
    .bind(&id.0[..])
    .bind(idle_since)
    .bind(now)
    .fetch_optional(pool)
    .await?;
    row.as_ref().map(session).transpose()
}

fn session(row: &SqliteRow) -> Result<Session, StoreError> {
    Ok(Session {
        id: digest(row.try_get("id_hash")?)?,
        account_id: row.try_get("account_id")?,
        provider: row.try_get("provider")?,
        identity: Identity { issuer: row.try_get("issuer")?, subject: row.try_get("subject")? },
        sid: row.try_get("sid")?,
        tokens: row.try_get("tokens")?,
        seen_at: row.try_get("seen_at")?,
        expires_at: row.try_get("expires_at")?,
    })
}

pub(super) fn is_stale(session: &Session, now: i64) -> bool {
    session.seen_at + SEEN_STEP <= now
}

pub(super) async fn see(pool: &SqlitePool, id: &Digest, now: i64) -> Result<(), StoreError> {
    let statement = "UPDATE sessions SET seen_at = $1 WHERE id_hash = $2 AND seen_at < $1";
    sqlx::query(statement).bind(now).bind(&id.0[..]).execute(pool).await?;
    Ok(())
}

pub(super) async fn keep_tokens(pool: &SqlitePool, id: &Digest, sealed: &[u8]) -> Result<bool, StoreError> {
    let statement = "UPDATE sessions SET tokens = $1 WHERE id_hash = $2";
    let done = sqlx::query(statement).bind(sealed).bind(&id.0[..]).execute(pool).await?;
    Ok(done.rows_affected() > 0)
}

pub(super) async fn end(pool: &SqlitePool, id: &Digest) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM sessions WHERE id_hash = $1").bind(&id.0[..]).execute(pool).await?;
    Ok(())
}

/// The notice is noted and the sessions end in one step: else a crash between the two would let them live on.
pub(super) async fn end_of(pool: &SqlitePool, notice: &EndSessions) -> Result<Option<u64>, StoreError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let noted = sqlx::query(
        "INSERT INTO logout_tokens (issuer, jti, expires_at) VALUES ($1, $2, $3) ON CONFLICT (issuer, jti) DO NOTHING",
    )
    .bind(&notice.issuer)
    .bind(&notice.jti)
    .bind(notice.expires_at)
    .execute(&mut *transaction)
    .await?;
    if noted.rows_affected() == 0 {
        return Ok(None);
    }
    // A parameter that was not given restricts nothing; the caller sees to it that one of the two was.
    let ended = sqlx::query(
        "DELETE FROM sessions WHERE issuer = $1 AND subject = COALESCE($2, subject) \
         AND ($3 IS NULL OR sid = $3)",
    )
    .bind(&notice.issuer)
    .bind(&notice.subject)
    .bind(&notice.sid)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(Some(ended.rows_affected()))
}

pub(super) async fn sweep(pool: &SqlitePool, idle_since: i64, now: i64) -> Result<u64, StoreError> {
    let sessions = sqlx::query(
        "DELETE FROM sessions WHERE id_hash IN \
         (SELECT id_hash FROM sessions WHERE seen_at <= $1 OR expires_at <= $2 LIMIT $3)",
    );
    let sessions = sessions.bind(idle_since).bind(now).bind(SWEEP_BATCH).execute(pool).await?;
    let notices = sqlx::query("DELETE FROM logout_tokens WHERE expires_at < $1").bind(now).execute(pool).await?;
    Ok(sessions.rows_affected() + notices.rows_affected())
}
