use sqlx::{AssertSqlSafe, SqliteConnection, SqlitePool};

use crate::{
    domain::{SecretHash, Session, TokenHash},
    storage::{
        StoreError,
        rows::{self, NEWS_SECONDS, SESSION, SESSION_NAMED, SESSIONS_OF_USER, SessionRow, phc},
    },
};

pub(super) async fn by_hash(
    pool: &SqlitePool,
    hash: &TokenHash,
) -> Result<Option<Session>, StoreError> {
    let row: Option<SessionRow> =
        sqlx::query_as(SESSION).bind(&hash.0[..]).fetch_optional(pool).await?;
    row.map(Session::try_from).transpose()
}

pub(super) async fn by_sid(pool: &SqlitePool, sid: &str) -> Result<Option<Session>, StoreError> {
    let row: Option<SessionRow> =
        sqlx::query_as(SESSION_NAMED).bind(sid).fetch_optional(pool).await?;
    row.map(Session::try_from).transpose()
}

pub(super) async fn of_user(pool: &SqlitePool, sub: &str) -> Result<Vec<Session>, StoreError> {
    rows::read(sqlx::query_as::<_, SessionRow>(SESSIONS_OF_USER).bind(sub).fetch_all(pool).await?)
}

pub(super) async fn touch(pool: &SqlitePool, hash: &TokenHash, now: i64) -> Result<(), StoreError> {
    let touched = sqlx::query("UPDATE sessions SET last_seen = $1 WHERE hash = $2")
        .bind(now)
        .bind(&hash.0[..]);
    touched.execute(pool).await?;
    Ok(())
}

/// Which sessions are meant.
#[derive(Clone, Copy)]
pub(super) enum Sessions<'a> {
    Of(&'a str),
    Named(&'a str),
}

pub(super) async fn start(
    connection: &mut SqliteConnection,
    session: &Session,
    shown: &SecretHash,
) -> Result<(), StoreError> {
    let started = sqlx::query(
        "INSERT INTO sessions (hash, sid, sub, auth_time, last_seen, address, user_agent) \
         SELECT $1, $2, sub, $4, $5, $6, $7 FROM users WHERE sub = $3 AND enabled AND password = $8 \
         ON CONFLICT (sid) DO UPDATE SET hash = excluded.hash, \
         auth_time = excluded.auth_time, last_seen = excluded.last_seen, address = excluded.address, \
         user_agent = excluded.user_agent WHERE sessions.sub = excluded.sub",
    )
    .bind(&session.hash.0[..])
    .bind(&session.sid)
    .bind(&session.sub)
    .bind(session.auth_time)
    .bind(session.last_seen)
    .bind(&session.address)
    .bind(&session.user_agent)
    .bind(phc(shown)?)
    .execute(connection)
    .await?;
    if started.rows_affected() == 0 { Err(StoreError::SessionEnded) } else { Ok(()) }
}

/// What a user decides is heard as long as they are signed in.
pub(super) async fn must_live(
    connection: &mut SqliteConnection,
    sid: &str,
) -> Result<(), StoreError> {
    let lives = sqlx::query("SELECT 1 FROM sessions WHERE sid = $1")
        .bind(sid)
        .fetch_optional(connection)
        .await?;
    lives.map(|_| ()).ok_or(StoreError::SessionEnded)
}

/// A client takes part in a session, if it is there.
pub(super) async fn join(
    connection: &mut SqliteConnection,
    sid: &str,
    client_id: &str,
) -> Result<(), StoreError> {
    let joined = sqlx::query(
        "INSERT INTO session_clients (sid, client_id) SELECT sid, $2 FROM sessions WHERE sid = $1 \
         ON CONFLICT DO NOTHING",
    );
    joined.bind(sid).bind(client_id).execute(connection).await?;
    Ok(())
}

pub(super) async fn clients(pool: &SqlitePool, sid: &str) -> Result<Vec<String>, StoreError> {
    let clients = sqlx::query_scalar(
        "SELECT client_id FROM session_clients WHERE sid = $1 ORDER BY client_id",
    );
    Ok(clients.bind(sid).fetch_all(pool).await?)
}

/// End sessions, and note down which clients have to be told.
pub(super) async fn end(
    connection: &mut SqliteConnection,
    which: Sessions<'_>,
    now: i64,
) -> Result<(), StoreError> {
    let (condition, one) = match which {
        Sessions::Of(sub) => ("sub = $1", sub),
        Sessions::Named(sid) => ("sid = $1", sid),
    };
    let news = format!(
        "INSERT INTO logout_news (sid, client_id, sub, due_at, exp) SELECT sid, client_id, sub, 0, $2 \
         FROM sessions JOIN session_clients USING (sid) WHERE {condition} ON CONFLICT DO NOTHING"
    );
    // Made of constants alone.
    let news = sqlx::query(AssertSqlSafe(news)).bind(one).bind(now + NEWS_SECONDS);
    news.execute(&mut *connection).await?;
    let gone = format!("DELETE FROM sessions WHERE {condition}");
    sqlx::query(AssertSqlSafe(gone)).bind(one).execute(connection).await?;
    Ok(())
}
