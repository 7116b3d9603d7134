use sqlx::{PgConnection, PgPool};

use super::{grants, sessions};
use crate::{
    domain::{SecretHash, User},
    storage::{
        StoreError,
        sql::{
            self, decode,
            grants::GrantSelector,
            sessions::SessionSelector,
            users::{
                DISABLE_USER, INSERT_INSTALLATION_SECRET, INSERT_USER, INSTALLATION_SECRET,
                SET_PASSWORD, USER, USER_BY_USERNAME, USERS, UserRow, phc,
            },
        },
    },
};

pub(super) async fn installation_secret(
    pool: &PgPool,
    fresh: [u8; 32],
) -> Result<[u8; 32], StoreError> {
    sqlx::query(INSERT_INSTALLATION_SECRET).bind(&fresh[..]).execute(pool).await?;
    // Servers that start concurrently all read the secret that the first one stored.
    let secret = sqlx::query_scalar(INSTALLATION_SECRET).fetch_one(pool).await?;
    sql::users::installation_secret(secret)
}

pub(super) async fn all(pool: &PgPool) -> Result<Vec<User>, StoreError> {
    decode(sqlx::query_as::<_, UserRow>(USERS).fetch_all(pool).await?)
}

pub(super) async fn by_sub(pool: &PgPool, sub: &str) -> Result<Option<User>, StoreError> {
    let row: Option<UserRow> = sqlx::query_as(USER).bind(sub).fetch_optional(pool).await?;
    row.map(User::try_from).transpose()
}

pub(super) async fn by_username(pool: &PgPool, username: &str) -> Result<Option<User>, StoreError> {
    let row: Option<UserRow> =
        sqlx::query_as(USER_BY_USERNAME).bind(username).fetch_optional(pool).await?;
    row.map(User::try_from).transpose()
}

pub(super) async fn add(
    connection: &mut PgConnection,
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
        .execute(connection)
        .await?;
    match inserted.rows_affected() {
        0 => Err(StoreError::UserExists(user.username.clone())),
        _ => Ok(()),
    }
}

pub(super) async fn set_password(
    connection: &mut PgConnection,
    sub: &str,
    password: &SecretHash,
    now: i64,
) -> Result<(), StoreError> {
    let update = sqlx::query(SET_PASSWORD).bind(phc(password)?).bind(now).bind(sub);
    if update.execute(&mut *connection).await?.rows_affected() == 0 {
        return Err(StoreError::UserNotFound(sub.to_owned()));
    }
    sessions::end(connection, SessionSelector::OfUser(sub), now).await?;
    grants::revoke(connection, GrantSelector::SessionsOfUser(sub), now).await
}

pub(super) async fn disable(
    connection: &mut PgConnection,
    sub: &str,
    now: i64,
) -> Result<(), StoreError> {
    let update = sqlx::query(DISABLE_USER).bind(now).bind(sub);
    if update.execute(&mut *connection).await?.rows_affected() == 0 {
        return Err(StoreError::UserNotFound(sub.to_owned()));
    }
    sessions::end(connection, SessionSelector::OfUser(sub), now).await?;
    grants::revoke(connection, GrantSelector::User(sub), now).await
}
