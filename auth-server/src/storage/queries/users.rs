use oauth_types::StandardClaims;
use sqlx::AssertSqlSafe;

use super::{
    backend::{Connection, FOR_NO_KEY_UPDATE, Pool, begin},
    grants, sessions,
};
use crate::{
    domain::{SecretHash, User},
    storage::{
        StoreError,
        sql::{
            self, decode,
            grants::GrantSelector,
            sessions::SessionSelector,
            users::{
                DELETE_USER, ENABLE_OR_DISABLE_USER, FORGET_DEVICES, INSERT_INSTALLATION_SECRET,
                INSERT_USER, INSTALLATION_SECRET, SET_PASSWORD, UPDATE_USER, USER,
                USER_BY_USERNAME, USERS, UserRow, phc,
            },
        },
    },
};

pub(super) async fn installation_secret(
    pool: &Pool,
    fresh: [u8; 32],
) -> Result<[u8; 32], StoreError> {
    let mut transaction = begin(pool).await?;
    let insert = sqlx::query(INSERT_INSTALLATION_SECRET).bind(&fresh[..]);
    insert.execute(&mut *transaction).await?;
    // Servers that start concurrently all read the secret that the first one stored.
    let secret = sqlx::query_scalar(INSTALLATION_SECRET).fetch_one(&mut *transaction).await?;
    transaction.commit().await?;
    sql::users::installation_secret(secret)
}

pub(super) async fn all(pool: &Pool) -> Result<Vec<User>, StoreError> {
    decode(sqlx::query_as::<_, UserRow>(USERS).fetch_all(pool).await?)
}

pub(super) async fn by_sub(pool: &Pool, sub: &str) -> Result<Option<User>, StoreError> {
    let row: Option<UserRow> = sqlx::query_as(USER).bind(sub).fetch_optional(pool).await?;
    row.map(User::try_from).transpose()
}

pub(super) async fn by_username(pool: &Pool, username: &str) -> Result<Option<User>, StoreError> {
    let row: Option<UserRow> =
        sqlx::query_as(USER_BY_USERNAME).bind(username).fetch_optional(pool).await?;
    row.map(User::try_from).transpose()
}

pub(super) async fn add(
    connection: &mut Connection,
    user: &User,
    now: i64,
) -> Result<(), StoreError> {
    let inserted = sqlx::query(INSERT_USER)
        .bind(&user.sub)
        .bind(&user.username)
        .bind(phc(&user.password)?)
        .bind(serde_json::to_string(&user.claims)?)
        .bind(user.enabled)
        .bind(now)
        .bind(user.device_generation)
        .execute(connection)
        .await?;
    match inserted.rows_affected() {
        0 => Err(StoreError::UserExists(user.username.clone())),
        _ => Ok(()),
    }
}

pub(super) async fn set_password(
    connection: &mut Connection,
    sub: &str,
    password: &SecretHash,
    now: i64,
) -> Result<(), StoreError> {
    let update = sqlx::query(SET_PASSWORD).bind(phc(password)?).bind(now).bind(sub);
    ensure_found(sub, update.execute(&mut *connection).await?.rows_affected())?;
    end_all_access(connection, sub, now).await
}

pub(super) async fn update(
    connection: &mut Connection,
    sub: &str,
    claims: &StandardClaims,
    now: i64,
) -> Result<(), StoreError> {
    let update = sqlx::query(UPDATE_USER).bind(serde_json::to_string(claims)?).bind(now).bind(sub);
    ensure_found(sub, update.execute(connection).await?.rows_affected())
}

pub(super) async fn sign_out(
    connection: &mut Connection,
    sub: &str,
    now: i64,
) -> Result<(), StoreError> {
    // Makes concurrent sign-ins and changes of the user wait.
    let lock = format!("{USER} {FOR_NO_KEY_UPDATE}");
    let user = sqlx::query(AssertSqlSafe(lock)).bind(sub).fetch_optional(&mut *connection).await?;
    ensure_found(sub, u64::from(user.is_some()))?;
    sqlx::query(FORGET_DEVICES).bind(sub).execute(&mut *connection).await?;
    sessions::end(connection, SessionSelector::OfUser(sub), now).await?;
    grants::revoke(connection, GrantSelector::SessionsOfUser(sub), now).await
}

pub(super) async fn disable(
    connection: &mut Connection,
    sub: &str,
    now: i64,
) -> Result<(), StoreError> {
    let update = sqlx::query(ENABLE_OR_DISABLE_USER).bind(false).bind(now).bind(sub);
    ensure_found(sub, update.execute(&mut *connection).await?.rows_affected())?;
    end_all_access(connection, sub, now).await
}

pub(super) async fn enable(
    connection: &mut Connection,
    sub: &str,
    now: i64,
) -> Result<(), StoreError> {
    let update = sqlx::query(ENABLE_OR_DISABLE_USER).bind(true).bind(now).bind(sub);
    ensure_found(sub, update.execute(connection).await?.rows_affected())
}

pub(super) async fn remove(
    connection: &mut Connection,
    sub: &str,
    now: i64,
) -> Result<(), StoreError> {
    // Disabled first, which locks the user: a concurrent sign-in waits, and then fails.
    disable(connection, sub, now).await?;
    sqlx::query(DELETE_USER).bind(sub).execute(connection).await?;
    Ok(())
}

/// Ends the user's sessions, forgets their known devices and revokes all their grants, including
/// those that outlive a session.
async fn end_all_access(
    connection: &mut Connection,
    sub: &str,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query(FORGET_DEVICES).bind(sub).execute(&mut *connection).await?;
    sessions::end(connection, SessionSelector::OfUser(sub), now).await?;
    grants::revoke(connection, GrantSelector::User(sub), now).await
}

fn ensure_found(sub: &str, rows: u64) -> Result<(), StoreError> {
    if rows == 0 { Err(StoreError::UserNotFound(sub.to_owned())) } else { Ok(()) }
}
