use sqlx::{SqliteConnection, SqlitePool};

use crate::{
    domain::{Session, TokenHash},
    store::{
        StoreError,
        rows::{self, SESSION, SESSIONS_OF_USER, SessionRow},
    },
};

pub(super) async fn by_hash(pool: &SqlitePool, hash: &TokenHash) -> Result<Option<Session>, StoreError> {
    let row: Option<SessionRow> = sqlx::query_as(SESSION).bind(&hash.0[..]).fetch_optional(pool).await?;
    row.map(Session::try_from).transpose()
}

pub(super) async fn of_user(pool: &SqlitePool, sub: &str) -> Result<Vec<Session>, StoreError> {
    rows::read(sqlx::query_as::<_, SessionRow>(SESSIONS_OF_USER).bind(sub).fetch_all(pool).await?)
}

pub(super) async fn touch(pool: &SqlitePool, hash: &TokenHash, now: i64) -> Result<(), StoreError> {
    let touched = sqlx::query("UPDATE sessions SET last_seen = $1 WHERE hash = $2").bind(now).bind(&hash.0[..]);
    touched.execute(pool).await?;
    Ok(())
}

pub(super) async fn start(
    connection: &mut SqliteConnection,
    session: &Session,
    replaces: Option<&TokenHash>,
) -> Result<(), StoreError> {
    if let Some(before) = replaces {
        sqlx::query("DELETE FROM sessions WHERE hash = $1").bind(&before.0[..]).execute(&mut *connection).await?;
    }
    sqlx::query(
        "INSERT INTO sessions (hash, sid, sub, auth_time, last_seen, address, user_agent) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&session.hash.0[..])
    .bind(&session.sid)
    .bind(&session.sub)
    .bind(session.auth_time)
    .bind(session.last_seen)
    .bind(&session.address)
    .bind(&session.user_agent)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn end(connection: &mut SqliteConnection, sid: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM sessions WHERE sid = $1").bind(sid).execute(connection).await?;
    Ok(())
}
