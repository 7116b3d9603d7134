use sqlx::SqlitePool;

use crate::{
    accounts::{
        EndSessions, Session, StoreError,
        rows::{SWEEP_BATCH, SessionRow},
        statements::{
            BEGIN_SESSION, END_SESSION, KEEP_TOKENS, NOTE_LOGOUT_TOKEN, SEE_SESSION, SESSION,
        },
    },
    random_id::Digest,
};

pub(super) async fn begin(
    pool: &SqlitePool,
    session: &Session,
    replaces: Option<&Digest>,
) -> Result<(), StoreError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    if let Some(old) = replaces {
        sqlx::query(END_SESSION).bind(&old.0[..]).execute(&mut *transaction).await?;
    }
    sqlx::query(BEGIN_SESSION)
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
    let row: Option<SessionRow> = sqlx::query_as(SESSION)
        .bind(&id.0[..])
        .bind(idle_since)
        .bind(now)
        .fetch_optional(pool)
        .await?;
    row.map(Session::try_from).transpose()
}

pub(super) async fn see(pool: &SqlitePool, id: &Digest, now: i64) -> Result<(), StoreError> {
    sqlx::query(SEE_SESSION).bind(now).bind(&id.0[..]).execute(pool).await?;
    Ok(())
}

pub(super) async fn keep_tokens(
    pool: &SqlitePool,
    id: &Digest,
    sealed: &[u8],
) -> Result<bool, StoreError> {
    let done = sqlx::query(KEEP_TOKENS).bind(sealed).bind(&id.0[..]).execute(pool).await?;
    Ok(done.rows_affected() > 0)
}

pub(super) async fn end(pool: &SqlitePool, id: &Digest) -> Result<(), StoreError> {
    sqlx::query(END_SESSION).bind(&id.0[..]).execute(pool).await?;
    Ok(())
}

/// The notice is noted and the sessions end in one step: else a crash between the two would let
/// them live on.
pub(super) async fn end_of(
    pool: &SqlitePool,
    notice: &EndSessions,
) -> Result<Option<u64>, StoreError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let noted = sqlx::query(NOTE_LOGOUT_TOKEN)
        .bind(&notice.issuer)
        .bind(&notice.jti)
        .bind(notice.expires_at);
    let noted = noted.execute(&mut *transaction).await?;
    if noted.rows_affected() == 0 {
        return Ok(None);
    }
    // A parameter that was not given restricts nothing; the caller sees to it that one of the two
    // was.
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
    let notices = sqlx::query("DELETE FROM logout_tokens WHERE expires_at < $1")
        .bind(now)
        .execute(pool)
        .await?;
    Ok(sessions.rows_affected() + notices.rows_affected())
}
