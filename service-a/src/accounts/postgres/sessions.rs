use sqlx::{PgConnection, PgPool};

use crate::{
    accounts::{
        BackchannelLogout, Identity, Session, StoreError,
        rows::SessionRow,
        statements::{
            DELETE_SESSION, INSERT_LOGOUT_TOKEN, INSERT_SESSION, SELECT_SESSION, UPDATE_LAST_SEEN,
            UPDATE_TOKENS,
        },
    },
    random_id::Digest,
};

pub(super) async fn start(
    pool: &PgPool,
    session: &Session,
    previous: Option<&Digest>,
) -> Result<(), StoreError> {
    let mut transaction = pool.begin().await?;
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
    pool: &PgPool,
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
    pool: &PgPool,
    id: &Digest,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query(UPDATE_LAST_SEEN).bind(now).bind(&id.0[..]).execute(pool).await?;
    Ok(())
}

pub(super) async fn update_tokens(
    pool: &PgPool,
    id: &Digest,
    sealed: &[u8],
) -> Result<bool, StoreError> {
    let updated = sqlx::query(UPDATE_TOKENS).bind(sealed).bind(&id.0[..]).execute(pool).await?;
    Ok(updated.rows_affected() > 0)
}

pub(super) async fn end(pool: &PgPool, id: &Digest) -> Result<(), StoreError> {
    sqlx::query(DELETE_SESSION).bind(&id.0[..]).execute(pool).await?;
    Ok(())
}

/// Records the token and ends the sessions in one transaction; otherwise a crash between the two
/// would keep the sessions. Locks the sessions in the order of their ids, so that concurrent
/// logouts do not deadlock.
pub(super) async fn apply_backchannel_logout(
    pool: &PgPool,
    logout: &BackchannelLogout,
) -> Result<Option<u64>, StoreError> {
    let mut transaction = pool.begin().await?;
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
        "DELETE FROM sessions WHERE id_hash = ANY (ARRAY( \
         SELECT id_hash FROM sessions WHERE issuer = $1 AND subject = COALESCE($2, subject) \
         AND ($3 IS NULL OR sid = $3) ORDER BY id_hash FOR UPDATE))",
    )
    .bind(&logout.issuer)
    .bind(&logout.subject)
    .bind(&logout.sid)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(Some(ended.rows_affected()))
}

pub(super) async fn end_all(
    connection: &mut PgConnection,
    identity: &Identity,
) -> Result<(), StoreError> {
    let statement = "DELETE FROM sessions WHERE id_hash = ANY (ARRAY( \
         SELECT id_hash FROM sessions WHERE issuer = $1 AND subject = $2 ORDER BY id_hash FOR UPDATE))";
    sqlx::query(statement)
        .bind(&identity.issuer)
        .bind(&identity.subject)
        .execute(connection)
        .await?;
    Ok(())
}
