use sqlx::PgPool;

use super::{
    grants::{self, Of},
    sessions::{self, Sessions},
};
use crate::{
    domain::{SecretHash, User},
    storage::{
        StoreError,
        rows::{self, USER, USER_NAMED, USERS, UserRow, phc},
    },
};

pub(super) async fn installation_secret(
    pool: &PgPool,
    fresh: [u8; 32],
) -> Result<[u8; 32], StoreError> {
    sqlx::query("INSERT INTO installation (id, secret) VALUES (1, $1) ON CONFLICT (id) DO NOTHING")
        .bind(&fresh[..])
        .execute(pool)
        .await?;
    // Of several servers that start for the first time, all read what one of them has made.
    let secret: Vec<u8> =
        sqlx::query_scalar("SELECT secret FROM installation").fetch_one(pool).await?;
    secret
        .try_into()
        .map_err(|_| StoreError::Unavailable("the installation's secret is unreadable".to_owned()))
}

pub(super) async fn all(pool: &PgPool) -> Result<Vec<User>, StoreError> {
    rows::read(sqlx::query_as::<_, UserRow>(USERS).fetch_all(pool).await?)
}

pub(super) async fn by_sub(pool: &PgPool, sub: &str) -> Result<Option<User>, StoreError> {
    let row: Option<UserRow> = sqlx::query_as(USER).bind(sub).fetch_optional(pool).await?;
    row.map(User::try_from).transpose()
}

pub(super) async fn by_name(pool: &PgPool, username: &str) -> Result<Option<User>, StoreError> {
    let row: Option<UserRow> =
        sqlx::query_as(USER_NAMED).bind(username).fetch_optional(pool).await?;
    row.map(User::try_from).transpose()
}

pub(super) async fn add(pool: &PgPool, user: &User, now: i64) -> Result<(), StoreError> {
    let inserted = sqlx::query(
        "INSERT INTO users (sub, username, password, claims, enabled, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT DO NOTHING",
    )
    .bind(&user.sub)
    .bind(&user.username)
    .bind(phc(&user.password)?)
    .bind(serde_json::to_string(&user.claims)?)
    .bind(user.enabled)
    .bind(now)
    .execute(pool)
    .await?;
    if inserted.rows_affected() == 0 {
        Err(StoreError::UserExists(user.username.clone()))
    } else {
        Ok(())
    }
}

pub(super) async fn set_password(
    pool: &PgPool,
    username: &str,
    password: &SecretHash,
    now: i64,
) -> Result<(), StoreError> {
    let mut transaction = pool.begin().await?;
    let changed = sqlx::query_scalar(
        "UPDATE users SET password = $1, updated_at = $2 WHERE username = $3 RETURNING sub",
    );
    let sub = changed
        .bind(phc(password)?)
        .bind(now)
        .bind(username)
        .fetch_optional(&mut *transaction)
        .await?;
    let sub: String = sub.ok_or_else(|| StoreError::UserNotFound(username.to_owned()))?;
    sessions::end(&mut transaction, Sessions::Of(&sub), now).await?;
    grants::revoke(&mut transaction, Of::Sessions(&sub), now).await?;
    Ok(transaction.commit().await?)
}

pub(super) async fn disable(pool: &PgPool, username: &str, now: i64) -> Result<(), StoreError> {
    let mut transaction = pool.begin().await?;
    let changed = sqlx::query_scalar(
        "UPDATE users SET enabled = FALSE, updated_at = $1 WHERE username = $2 RETURNING sub",
    );
    let sub = changed.bind(now).bind(username).fetch_optional(&mut *transaction).await?;
    let sub: String = sub.ok_or_else(|| StoreError::UserNotFound(username.to_owned()))?;
    sessions::end(&mut transaction, Sessions::Of(&sub), now).await?;
    grants::revoke(&mut transaction, Of::User(&sub), now).await?;
    Ok(transaction.commit().await?)
}
