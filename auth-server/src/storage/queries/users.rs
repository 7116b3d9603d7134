use std::collections::HashSet;

use oauth_types::StandardClaims;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use super::{
    audit_log,
    backend::{Connection, FOR_NO_KEY_UPDATE, JSON_ROWS, JSON_STRINGS, Pool, begin},
    grants, sessions,
};
use crate::{
    domain::{Actor, Attributes, SecretHash, User},
    storage::{
        AuditedChange, Installation, StoreError,
        sql::{
            self, decode,
            grants::GrantSelector,
            sessions::SessionSelector,
            users::{
                DELETE_USER, ENABLE_OR_DISABLE_USER, FORGET_DEVICES, IF_MISSING, INSERT_USERS,
                INSTALLATION, SET_PASSWORD, UPDATE_INSTALLATION, UPDATE_USER, USER,
                USER_BY_USERNAME, USERS, USERS_WHERE, UserRow, phc,
            },
        },
    },
};

pub(super) async fn update_installation(
    pool: &Pool,
    fresh: [u8; 32],
    issuer: &str,
) -> Result<Installation, StoreError> {
    let stored: Option<(Vec<u8>, Option<String>)> =
        sqlx::query_as(INSTALLATION).fetch_optional(pool).await?;
    let (secret, previous_issuer) = stored.unzip();
    let previous_issuer = previous_issuer.flatten();
    let secret = match secret {
        // Most starts change nothing, and then wait for no other server.
        Some(secret) if previous_issuer.as_deref() == Some(issuer) => secret,
        // Servers that start concurrently all get the secret that the first one stored.
        _ => {
            let update = sqlx::query_scalar(UPDATE_INSTALLATION).bind(&fresh[..]).bind(issuer);
            update.fetch_one(pool).await?
        }
    };
    let secret = sql::users::installation_secret(secret)?;
    Ok(Installation { secret, previous_issuer })
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

pub(super) async fn by_usernames(
    pool: &Pool,
    usernames: &[String],
) -> Result<Vec<User>, StoreError> {
    // Made of constants.
    let query = AssertSqlSafe(format!("{USERS_WHERE} username IN ({JSON_STRINGS})"));
    let query = sqlx::query_as::<_, UserRow>(query).bind(serde_json::to_string(usernames)?);
    decode(query.fetch_all(pool).await?)
}

pub(super) async fn add_missing(
    pool: &Pool,
    users: Vec<User>,
    actor: &Actor,
    at_millis: i64,
) -> Result<(), StoreError> {
    let mut transaction = begin(pool).await?;
    // Another server can create some of them at the same time.
    let added = add_all(&mut transaction, &users, at_millis.div_euclid(1_000)).await?;
    let added = users.into_iter().filter(|user| added.contains(&user.sub));
    let records: Vec<_> =
        added.map(|user| AuditedChange::add_user(user, actor.clone(), at_millis).audit).collect();
    audit_log::insert_all(&mut transaction, &records.iter().collect::<Vec<_>>()).await?;
    Ok(transaction.commit().await?)
}

pub(super) async fn add(
    connection: &mut Connection,
    user: &User,
    now: i64,
) -> Result<(), StoreError> {
    match add_all(connection, std::slice::from_ref(user), now).await?.is_empty() {
        true => Err(StoreError::UserExists(user.username.clone())),
        false => Ok(()),
    }
}

/// Adds the users that do not exist, in one statement. Returns the `sub` of each.
pub(super) async fn add_all(
    connection: &mut Connection,
    users: &[User],
    now: i64,
) -> Result<HashSet<String>, StoreError> {
    let row = |user: &User| {
        Ok(json!([
            user.sub,
            user.username,
            phc(&user.password)?,
            serde_json::to_string(&user.claims)?,
            user.enabled,
            user.device_generation,
            serde_json::to_string(&user.attributes)?,
        ]))
    };
    let rows: Vec<Value> = users.iter().map(row).collect::<Result<_, StoreError>>()?;
    // Made of constants.
    let insert = AssertSqlSafe(format!("{INSERT_USERS} {JSON_ROWS} {IF_MISSING}"));
    let added = sqlx::query_scalar(insert).bind(Value::from(rows).to_string()).bind(now);
    Ok(added.fetch_all(connection).await?.into_iter().collect())
}

pub(super) async fn set_password(
    connection: &mut Connection,
    sub: &str,
    password: &SecretHash,
    now: i64,
) -> Result<(), StoreError> {
    let update = sqlx::query(SET_PASSWORD).bind(phc(password)?).bind(now).bind(sub);
    ensure_found(sub, update.execute(&mut *connection).await?.rows_affected())?;
    end_access(connection, sub, GrantSelector::User(sub), now).await
}

pub(super) async fn update(
    connection: &mut Connection,
    before: &User,
    claims: &StandardClaims,
    attributes: &Attributes,
    now: i64,
) -> Result<(), StoreError> {
    let sub = &before.sub;
    let lock = format!("{USER} {FOR_NO_KEY_UPDATE}");
    let found: Option<UserRow> =
        sqlx::query_as(AssertSqlSafe(lock)).bind(sub).fetch_optional(&mut *connection).await?;
    let found: User = found.ok_or_else(|| StoreError::UserNotFound(sub.clone()))?.try_into()?;
    if (&found.claims, &found.attributes) != (&before.claims, &before.attributes) {
        return Err(StoreError::ChangedSinceRead);
    }
    let update = sqlx::query(UPDATE_USER)
        .bind(serde_json::to_string(claims)?)
        .bind(now)
        .bind(sub)
        .bind(serde_json::to_string(attributes)?);
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
    end_access(connection, sub, GrantSelector::SessionsOfUser(sub), now).await
}

pub(super) async fn disable(
    connection: &mut Connection,
    sub: &str,
    now: i64,
) -> Result<(), StoreError> {
    set_enabled(connection, sub, false, now).await?;
    end_access(connection, sub, GrantSelector::User(sub), now).await
}

pub(super) async fn enable(
    connection: &mut Connection,
    sub: &str,
    now: i64,
) -> Result<(), StoreError> {
    set_enabled(connection, sub, true, now).await
}

async fn set_enabled(
    connection: &mut Connection,
    sub: &str,
    enabled: bool,
    now: i64,
) -> Result<(), StoreError> {
    let update = sqlx::query(ENABLE_OR_DISABLE_USER).bind(enabled).bind(now).bind(sub);
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

/// Ends the user's sessions, forgets their known devices and revokes the selected grants.
async fn end_access(
    connection: &mut Connection,
    sub: &str,
    revoked: GrantSelector<'_>,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query(FORGET_DEVICES).bind(sub).execute(&mut *connection).await?;
    sessions::end(connection, SessionSelector::OfUser(sub), now).await?;
    grants::revoke(connection, revoked, now).await
}

fn ensure_found(sub: &str, rows: u64) -> Result<(), StoreError> {
    if rows == 0 { Err(StoreError::UserNotFound(sub.to_owned())) } else { Ok(()) }
}
