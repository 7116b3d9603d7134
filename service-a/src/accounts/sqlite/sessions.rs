use sqlx::SqlitePool;

use crate::{
    accounts::{
        BackchannelLogout, Session, StoreError,
        rows::{DELETE_BATCH, SessionRow},
        statements::{
            DELETE_SESSION, INSERT_LOGOUT_TOKEN, INSERT_SESSION, SELECT_SESSION, UPDATE_LAST_SEEN,
            UPDATE_TOKENS,
        },
    },
    random_id::Digest,
};

pub(super) async fn start(
    pool: &SqlitePool,
    session: &Session,
    previous: Option<&Digest>,
) -> Result<(), StoreError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    if let Some(previous) = previous {
        sqlx::query(DELETE_SESSION).bind(&previous.0[..]).execute(&mut *transaction).await?;
    }
    sqlx::query(INSERT_SESSION)
        .bind(&session.id.0[..])
        .bind(&session.account_id)
        .bind(&session.provider)
        .bind(&session.identity.issuer)
        .bind(&session.identity.subject)
        .bind(&session.sid)
        .bind(&session.sealed_tokens)
        .bind(session.last_seen_at)
        .bind(session.expires_at)
        .execute(&mut *transaction)
        .await?;
    Ok(transaction.commit().await?)
}

pub(super) async fn load(
    pool: &SqlitePool,
    id: &Digest,
    idle_cutoff: i64,
    now: i64,
) -> Result<Option<Session>, StoreError> {
    let row: Option<SessionRow> = sqlx::query_as(SELECT_SESSION)
        .bind(&id.0[..])
        .bind(idle_cutoff)
        .bind(now)
        .fetch_optional(pool)
        .await?;
    row.map(Session::try_from).transpose()
}

pub(super) async fn update_last_seen(
    pool: &SqlitePool,
    id: &Digest,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query(UPDATE_LAST_SEEN).bind(now).bind(&id.0[..]).execute(pool).await?;
    Ok(())
}

pub(super) async fn update_tokens(
    pool: &SqlitePool,
    id: &Digest,
    sealed: &[u8],
) -> Result<bool, StoreError> {
    let updated = sqlx::query(UPDATE_TOKENS).bind(sealed).bind(&id.0[..]).execute(pool).await?;
    Ok(updated.rows_affected() > 0)
}

pub(super) async fn end(pool: &SqlitePool, id: &Digest) -> Result<(), StoreError> {
    sqlx::query(DELETE_SESSION).bind(&id.0[..]).execute(pool).await?;
    Ok(())
}

/// Records the token and ends the sessions in one transaction; otherwise a crash between the two
/// would keep the sessions.
pub(super) async fn apply_backchannel_logout(
    pool: &SqlitePool,
    logout: &BackchannelLogout,
) -> Result<Option<u64>, StoreError> {
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    let recorded = sqlx::query(INSERT_LOGOUT_TOKEN)
        .bind(&logout.issuer)
        .bind(&logout.jti)
        .bind(logout.expires_at);
    let recorded = recorded.execute(&mut *transaction).await?;
    if recorded.rows_affected() == 0 {
        return Ok(None);
    }
    // `sub` and `sid` each restrict the sessions if present. The caller ensures that at least one
    // is.
    let ended = sqlx::query(
        "DELETE FROM sessions WHERE issuer = $1 AND subject = COALESCE($2, subject) \
         AND ($3 IS NULL OR sid = $3)",
    )
    .bind(&logout.issuer)
    .bind(&logout.subject)
    .bind(&logout.sid)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(Some(ended.rows_affected()))
}

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
    Ok(sessions.rows_affected() + logouts.rows_affected())
}
