use sqlx::AssertSqlSafe;

use super::backend::{Connection, FOR_KEY_SHARE, FOR_SHARE, FOR_UPDATE, Pool};
use crate::{
    domain::{SecretHash, Session, TokenHash},
    storage::{
        StoreError,
        sql::{
            decode,
            sessions::{
                CLIENTS_OF_SESSION, LOGOUT_NOTIFICATION_TTL_SECONDS, SESSION, SESSION_BY_SID,
                SESSIONS_OF_USER, SessionRow, SessionSelector, TOUCH_SESSION, delete_sessions,
                queue_logout_notifications,
            },
            users::phc,
        },
    },
};

pub(super) async fn by_hash(pool: &Pool, hash: &TokenHash) -> Result<Option<Session>, StoreError> {
    let row: Option<SessionRow> =
        sqlx::query_as(SESSION).bind(&hash.0[..]).fetch_optional(pool).await?;
    row.map(Session::try_from).transpose()
}

pub(super) async fn by_sid(pool: &Pool, sid: &str) -> Result<Option<Session>, StoreError> {
    let row: Option<SessionRow> =
        sqlx::query_as(SESSION_BY_SID).bind(sid).fetch_optional(pool).await?;
    row.map(Session::try_from).transpose()
}

pub(super) async fn of_user(pool: &Pool, sub: &str) -> Result<Vec<Session>, StoreError> {
    decode(sqlx::query_as::<_, SessionRow>(SESSIONS_OF_USER).bind(sub).fetch_all(pool).await?)
}

pub(super) async fn touch(pool: &Pool, hash: &TokenHash, now: i64) -> Result<(), StoreError> {
    sqlx::query(TOUCH_SESSION).bind(now).bind(&hash.0[..]).execute(pool).await?;
    Ok(())
}

pub(super) async fn clients(pool: &Pool, sid: &str) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar(CLIENTS_OF_SESSION).bind(sid).fetch_all(pool).await?)
}

/// Starts a session if the password is still the verified one. The lock on the user makes a
/// concurrent password change or disabling wait, which then ends this session.
pub(super) async fn start(
    connection: &mut Connection,
    session: &Session,
    verified_hash: &SecretHash,
) -> Result<(), StoreError> {
    let start = format!(
        "INSERT INTO sessions (hash, sid, sub, auth_time, last_seen, address, user_agent) \
         SELECT $1, $2, sub, $4, $5, $6, $7 FROM users WHERE sub = $3 AND enabled AND password_hash = $8 {FOR_SHARE} \
         ON CONFLICT (sid) DO UPDATE SET hash = excluded.hash, \
         auth_time = excluded.auth_time, last_seen = excluded.last_seen, address = excluded.address, \
         user_agent = excluded.user_agent WHERE sessions.sub = excluded.sub",
    );
    let started = sqlx::query(AssertSqlSafe(start))
        .bind(&session.hash.0[..])
        .bind(&session.sid)
        .bind(&session.sub)
        .bind(session.auth_time)
        .bind(session.last_seen)
        .bind(&session.address)
        .bind(&session.user_agent)
        .bind(phc(verified_hash)?)
        .execute(connection)
        .await?;
    if started.rows_affected() == 0 { Err(StoreError::SessionEnded) } else { Ok(()) }
}

/// Fails if the session has ended. The lock makes a concurrent end of the session wait, which then
/// revokes what is stored in this transaction.
pub(super) async fn ensure_active(
    connection: &mut Connection,
    sid: &str,
) -> Result<(), StoreError> {
    let lock = format!("SELECT 1 FROM sessions WHERE sid = $1 {FOR_KEY_SHARE}");
    let active = sqlx::query(AssertSqlSafe(lock)).bind(sid).fetch_optional(connection).await?;
    active.map(|_| ()).ok_or(StoreError::SessionEnded)
}

/// Adds a client to a session, if the session exists.
pub(super) async fn join(
    connection: &mut Connection,
    sid: &str,
    client_id: &str,
) -> Result<(), StoreError> {
    let insert = format!(
        "INSERT INTO session_clients (sid, client_id) SELECT sid, $2 FROM sessions WHERE sid = $1 \
         {FOR_KEY_SHARE} ON CONFLICT DO NOTHING",
    );
    sqlx::query(AssertSqlSafe(insert)).bind(sid).bind(client_id).execute(connection).await?;
    Ok(())
}

/// Ends sessions and queues logout notifications for their clients.
pub(super) async fn end(
    connection: &mut Connection,
    sessions: SessionSelector<'_>,
    now: i64,
) -> Result<(), StoreError> {
    // All SQL here is made of constants.
    let (condition, value) = sessions.condition();
    // Once the rows are locked, concurrent requests either have added their client or find no
    // session.
    let lock = format!("SELECT 1 FROM sessions WHERE {condition} ORDER BY sid {FOR_UPDATE}");
    sqlx::query(AssertSqlSafe(lock)).bind(value).execute(&mut *connection).await?;
    sqlx::query(AssertSqlSafe(queue_logout_notifications(condition)))
        .bind(value)
        .bind(now + LOGOUT_NOTIFICATION_TTL_SECONDS)
        .execute(&mut *connection)
        .await?;
    let delete = sqlx::query(AssertSqlSafe(delete_sessions(condition))).bind(value);
    delete.execute(connection).await?;
    Ok(())
}
