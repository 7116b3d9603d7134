use sqlx::AssertSqlSafe;

use super::{
    backend::{Connection, FOR_UPDATE, Pool},
    sessions,
};
use crate::{
    domain::{AuthorizationCode, StoredAuthorizationCode, TokenHash, UserGrant},
    storage::{
        StoreError,
        sql::{
            decode,
            grants::{
                CODE, CodeRow, GRANT, GRANTS_OF_USER, GrantRow, GrantSelector, INSERT_CODE,
                INSERT_GRANT, count_grants, delete_after, revoke_grants,
            },
        },
    },
};

pub(super) async fn code(
    pool: &Pool,
    hash: &TokenHash,
) -> Result<Option<StoredAuthorizationCode>, StoreError> {
    let row: Option<CodeRow> = sqlx::query_as(CODE).bind(&hash.0[..]).fetch_optional(pool).await?;
    row.map(StoredAuthorizationCode::try_from).transpose()
}

pub(super) async fn one(pool: &Pool, grant_id: &str) -> Result<Option<UserGrant>, StoreError> {
    let row: Option<GrantRow> = sqlx::query_as(GRANT).bind(grant_id).fetch_optional(pool).await?;
    row.map(UserGrant::try_from).transpose()
}

pub(super) async fn of_user(
    pool: &Pool,
    sub: &str,
    now: i64,
) -> Result<Vec<UserGrant>, StoreError> {
    let grants = sqlx::query_as::<_, GrantRow>(GRANTS_OF_USER).bind(sub).bind(now);
    decode(grants.fetch_all(pool).await?)
}

/// Returns the number of grants that are neither expired nor revoked.
pub(super) async fn count(
    pool: &Pool,
    grants: GrantSelector<'_>,
    now: i64,
) -> Result<u64, StoreError> {
    let (condition, first, second) = grants.condition();
    // Made of constants.
    let count = sqlx::query_scalar(AssertSqlSafe(count_grants(condition)));
    let count: i64 = count.bind(first).bind(second).bind(now).fetch_one(pool).await?;
    Ok(count.unsigned_abs())
}

/// Stores a grant and its authorization code.
pub(super) async fn add_with_code(
    connection: &mut Connection,
    grant: &UserGrant,
    code: &AuthorizationCode,
) -> Result<(), StoreError> {
    add(&mut *connection, grant, code.exp).await?;
    sqlx::query(INSERT_CODE)
        .bind(&code.hash.0[..])
        .bind(&grant.grant_id)
        .bind(&code.redirect_uri)
        .bind(&code.code_challenge)
        .bind(&code.nonce)
        .bind(code.exp)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn add(
    connection: &mut Connection,
    grant: &UserGrant,
    exp: i64,
) -> Result<(), StoreError> {
    sqlx::query(INSERT_GRANT)
        .bind(&grant.grant_id)
        .bind(&grant.client_id)
        .bind(&grant.sub)
        .bind(&grant.sid)
        .bind(grant.scope.to_string())
        .bind(serde_json::to_string(&grant.resources)?)
        .bind(grant.auth_time)
        .bind(grant.auth_time_requested)
        .bind(serde_json::to_string(&grant.claims)?)
        .bind(serde_json::to_string(&grant.custom_claims)?)
        .bind(grant.offline)
        .bind(exp)
        .bind(delete_after(exp))
        .execute(&mut *connection)
        .await?;
    sessions::join(connection, &grant.sid, &grant.client_id).await
}

/// Revokes grants, and with them every code and token issued under them.
pub(super) async fn revoke(
    connection: &mut Connection,
    grants: GrantSelector<'_>,
    now: i64,
) -> Result<(), StoreError> {
    // All SQL here is made of constants.
    let (condition, first, second) = grants.condition();
    // The order prevents deadlocks between two revocations of the same grants.
    let lock = format!("SELECT 1 FROM grants WHERE {condition} ORDER BY grant_id {FOR_UPDATE}");
    let lock = sqlx::query(AssertSqlSafe(lock)).bind(first).bind(second);
    lock.execute(&mut *connection).await?;
    let revoke = sqlx::query(AssertSqlSafe(revoke_grants(condition)));
    revoke.bind(first).bind(second).bind(now).execute(connection).await?;
    Ok(())
}
