use sqlx::{Row, SqliteConnection, SqlitePool, sqlite::SqliteRow};

use crate::{
    domain::{Session, TokenHash},
    store::StoreError,
};

pub(super) async fn by_hash(pool: &SqlitePool, hash: &TokenHash) -> Result<Option<Session>, StoreError> {
    let row =
        sqlx::query("SELECT hash, sid, sub, auth_time, last_seen, address, user_agent FROM sessions WHERE hash = $1");
    row.bind(&hash.0[..]).fetch_optional(pool).await?.as_ref().map(session).transpose()
}

pub(super) async fn of_user(pool: &SqlitePool, sub: &str) -> Result<Vec<Session>, StoreError> {
    let rows = sqlx::query(
        "SELECT hash, sid, sub, auth_time, last_seen, address, user_agent FROM sessions WHERE sub = $1 \
         ORDER BY auth_time DESC",
    );
    rows.bind(sub).fetch_all(pool).await?.iter().map(session).collect()
}

pub(super) fn hash(row: &SqliteRow) -> Result<TokenHash, StoreError> {
    let bytes: Vec<u8> = row.try_get("hash")?;
    let unreadable = |_| StoreError::Unavailable("a stored hash is unreadable".to_owned());
    Ok(TokenHash(bytes.try_into().map_err(unreadable)?))
}

fn session(row: &SqliteRow) -> Result<Session, StoreError> {
    Ok(Session {
        hash: hash(row)?,
        sid: row.try_get("sid")?,
        sub: row.try_get("sub")?,
        auth_time: row.try_get("auth_time")?,
        last_seen: row.try_get("last_seen")?,
        address: row.try_get("address")?,
        user_agent: row.try_get("user_agent")?,
    })
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
