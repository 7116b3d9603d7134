use sqlx::{PgConnection, PgPool};

use crate::{
    accounts::{
        EndSessions, Identity, Session, StoreError,
        rows::SessionRow,
        statements::{
            BEGIN_SESSION, END_SESSION, KEEP_TOKENS, NOTE_LOGOUT_TOKEN, SEE_SESSION, SESSION,
        },
    },
    random_id::Digest,
};

pub(super) async fn begin(
    pool: &PgPool,
    session: &Session,
    replaces: Option<&Digest>,
) -> Result<(), StoreError> {
    let mut transaction = pool.begin().await?;
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
    pool: &PgPool,
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

pub(super) async fn see(pool: &PgPool, id: &Digest, now: i64) -> Result<(), StoreError> {
    sqlx::query(SEE_SESSION).bind(now).bind(&id.0[..]).execute(pool).await?;
    Ok(())
}

pub(super) async fn keep_tokens(
    pool: &PgPool,
    id: &Digest,
    sealed: &[u8],
) -> Result<bool, StoreError> {
    let done = sqlx::query(KEEP_TOKENS).bind(sealed).bind(&id.0[..]).execute(pool).await?;
    Ok(done.rows_affected() > 0)
}

pub(super) async fn end(pool: &PgPool, id: &Digest) -> Result<(), StoreError> {
    sqlx::query(END_SESSION).bind(&id.0[..]).execute(pool).await?;
    Ok(())
}

/// The notice is noted and the sessions end in one step: else a crash between the two would let
/// them live on. They are locked in the order of their names: two notices never wait for each
/// other.
pub(super) async fn end_of(pool: &PgPool, notice: &EndSessions) -> Result<Option<u64>, StoreError> {
    let mut transaction = pool.begin().await?;
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
        "DELETE FROM sessions WHERE id_hash = ANY (ARRAY( \
         SELECT id_hash FROM sessions WHERE issuer = $1 AND subject = COALESCE($2, subject) \
         AND ($3 IS NULL OR sid = $3) ORDER BY id_hash FOR UPDATE))",
    )
    .bind(&notice.issuer)
    .bind(&notice.subject)
    .bind(&notice.sid)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(Some(ended.rows_affected()))
}

pub(super) async fn end_all_of(
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
