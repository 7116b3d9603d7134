use sqlx::AssertSqlSafe;

use super::backend::{Connection, FOR_UPDATE, Pool, begin};
use crate::{
    accounts::{
        BackchannelLogout, Identity, Session, StoreError,
        rows::SessionRow,
        statements::{
            DELETE_SESSION, INSERT_LOGOUT_TOKEN, INSERT_SESSION, SELECT_SESSION, SESSION_MATCHES,
            UPDATE_LAST_SEEN, UPDATE_TOKENS,
        },
    },
    random_id::Digest,
};

pub(super) async fn start(
    pool: &Pool,
    session: &Session,
    previous: Option<&Digest>,
) -> Result<(), StoreError> {
    let mut transaction = begin(pool).await?;
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
    pool: &Pool,
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

pub(super) async fn update_last_seen(pool: &Pool, id: &Digest, now: i64) -> Result<(), StoreError> {
    sqlx::query(UPDATE_LAST_SEEN).bind(now).bind(&id.0[..]).execute(pool).await?;
    Ok(())
}

pub(super) async fn update_tokens(
    pool: &Pool,
    id: &Digest,
    sealed: &[u8],
) -> Result<bool, StoreError> {
    let updated = sqlx::query(UPDATE_TOKENS).bind(sealed).bind(&id.0[..]).execute(pool).await?;
    Ok(updated.rows_affected() > 0)
}

pub(super) async fn end(pool: &Pool, id: &Digest) -> Result<(), StoreError> {
    sqlx::query(DELETE_SESSION).bind(&id.0[..]).execute(pool).await?;
    Ok(())
}

/// Records the token and ends the sessions in one transaction; otherwise a crash between the two
/// would keep the sessions.
pub(super) async fn apply_backchannel_logout(
    pool: &Pool,
    logout: &BackchannelLogout,
) -> Result<Option<u64>, StoreError> {
    let mut transaction = begin(pool).await?;
    let recorded = sqlx::query(INSERT_LOGOUT_TOKEN)
        .bind(&logout.issuer)
        .bind(&logout.jti)
        .bind(logout.expires_at);
    let recorded = recorded.execute(&mut *transaction).await?;
    if recorded.rows_affected() == 0 {
        return Ok(None);
    }
    let (subject, sid) = (logout.subject.as_deref(), logout.sid.as_deref());
    let ended = end_matching(&mut transaction, &logout.issuer, subject, sid).await?;
    transaction.commit().await?;
    Ok(Some(ended))
}

pub(super) async fn end_of_identity(
    connection: &mut Connection,
    identity: &Identity,
) -> Result<(), StoreError> {
    end_matching(connection, &identity.issuer, Some(&identity.subject), None).await?;
    Ok(())
}

/// Ends the sessions of an issuer. `subject` and `sid` each restrict them if present; the caller
/// ensures that at least one is. Locks the sessions in the order of their ids, so that concurrent
/// logouts do not deadlock.
async fn end_matching(
    connection: &mut Connection,
    issuer: &str,
    subject: Option<&str>,
    sid: Option<&str>,
) -> Result<u64, StoreError> {
    let lock =
        format!("SELECT 1 FROM sessions WHERE {SESSION_MATCHES} ORDER BY id_hash {FOR_UPDATE}");
    let delete = format!("DELETE FROM sessions WHERE {SESSION_MATCHES}");
    let mut ended = 0;
    // Safe: built from constants.
    for statement in [lock, delete] {
        let statement = sqlx::query(AssertSqlSafe(statement)).bind(issuer).bind(subject).bind(sid);
        ended = statement.execute(&mut *connection).await?.rows_affected();
    }
    Ok(ended)
}
