use sqlx::{SqliteConnection, SqlitePool};

use crate::{
    domain::{Code, IssuedToUser, Spends, StoredCode, StoredRefreshToken, TokenHash, UserGrant},
    store::{
        StoreError,
        rows::{self, CODE, CodeRow, GRANT_OF_TOKEN, GRANTS_OF_USER, GrantRow, REFRESH_TOKEN, RefreshTokenRow},
    },
};

/// Which grants are meant.
pub(super) enum Of<'a> {
    Grant(&'a str),
    User(&'a str),
    UserAtClient {
        sub: &'a str,
        client_id: &'a str,
    },
    /// Those that were not to outlive this session.
    Session(&'a str),
    Client(&'a str),
    /// Those that were not to outlive the user's sessions.
    Sessions(&'a str),
}

pub(super) async fn code(pool: &SqlitePool, hash: &TokenHash) -> Result<Option<StoredCode>, StoreError> {
    let row: Option<CodeRow> = sqlx::query_as(CODE).bind(&hash.0[..]).fetch_optional(pool).await?;
    row.map(StoredCode::try_from).transpose()
}

pub(super) async fn refresh_token(
    pool: &SqlitePool,
    hash: &TokenHash,
) -> Result<Option<StoredRefreshToken>, StoreError> {
    let row: Option<RefreshTokenRow> = sqlx::query_as(REFRESH_TOKEN).bind(&hash.0[..]).fetch_optional(pool).await?;
    row.map(StoredRefreshToken::try_from).transpose()
}

pub(super) async fn of_token(pool: &SqlitePool, jti: &str) -> Result<Option<UserGrant>, StoreError> {
    let row: Option<GrantRow> = sqlx::query_as(GRANT_OF_TOKEN).bind(jti).fetch_optional(pool).await?;
    row.map(UserGrant::try_from).transpose()
}

pub(super) async fn of_user(pool: &SqlitePool, sub: &str, now: i64) -> Result<Vec<UserGrant>, StoreError> {
    rows::read(sqlx::query_as::<_, GrantRow>(GRANTS_OF_USER).bind(sub).bind(now).fetch_all(pool).await?)
}

pub(super) async fn add(connection: &mut SqliteConnection, grant: &UserGrant, code: &Code) -> Result<(), StoreError> {
    add_grant(&mut *connection, grant, code.exp).await?;
    sqlx::query(
        "INSERT INTO codes (hash, grant_id, redirect_uri, code_challenge, nonce, exp) VALUES ($1, $2, $3, $4, $5, $6)",
    )
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

pub(super) async fn add_grant(
    connection: &mut SqliteConnection,
    grant: &UserGrant,
    exp: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO grants (grant_id, client_id, sub, sid, scope, resources, auth_time, offline, exp) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&grant.grant_id)
    .bind(&grant.client_id)
    .bind(&grant.sub)
    .bind(&grant.sid)
    .bind(grant.scope.to_string())
    .bind(serde_json::to_string(&grant.resources)?)
    .bind(grant.auth_time)
    .bind(grant.offline)
    .bind(exp)
    .execute(&mut *connection)
    .await?;
    super::sessions::join(connection, &grant.sid, &grant.client_id).await
}

/// Spend, and put in force what was made of it. Nothing happens when it was spent before or the grant is revoked.
pub(super) async fn issue(
    connection: &mut SqliteConnection,
    issued: &IssuedToUser,
    now: i64,
) -> Result<(), StoreError> {
    let last = issued.refresh_token.as_ref().map_or(issued.exp, |token| token.exp.max(issued.exp));
    let in_force = sqlx::query("UPDATE grants SET exp = max(exp, $1) WHERE grant_id = $2 AND revoked_at IS NULL");
    must_change(&in_force.bind(last).bind(&issued.grant_id).execute(&mut *connection).await?)?;
    if let Some(spends) = &issued.spends {
        let (statement, hash) = match spends {
            Spends::Code(hash) => ("UPDATE codes SET spent_at = $1 WHERE hash = $2 AND spent_at IS NULL", hash),
            Spends::DeviceCode(hash) => ("UPDATE devices SET spent_at = $1 WHERE hash = $2 AND spent_at IS NULL", hash),
            Spends::RefreshToken(hash) => {
                ("UPDATE refresh_tokens SET spent_at = $1 WHERE hash = $2 AND spent_at IS NULL", hash)
            }
        };
        must_change(&sqlx::query(statement).bind(now).bind(&hash.0[..]).execute(&mut *connection).await?)?;
    }
    sqlx::query("INSERT INTO grant_tokens (jti, grant_id, exp) VALUES ($1, $2, $3)")
        .bind(&issued.jti)
        .bind(&issued.grant_id)
        .bind(issued.exp)
        .execute(&mut *connection)
        .await?;
    if let Some(token) = &issued.refresh_token {
        sqlx::query("INSERT INTO refresh_tokens (hash, grant_id, exp) VALUES ($1, $2, $3)")
            .bind(&token.hash.0[..])
            .bind(&issued.grant_id)
            .bind(token.exp)
            .execute(&mut *connection)
            .await?;
    }
    if let Some(token) = &issued.opaque {
        sqlx::query("INSERT INTO opaque_tokens (hash, claims, exp) VALUES ($1, $2, $3)")
            .bind(&token.hash.0[..])
            .bind(serde_json::to_string(&token.claims)?)
            .bind(token.claims.exp)
            .execute(connection)
            .await?;
    }
    Ok(())
}

fn must_change(result: &sqlx::sqlite::SqliteQueryResult) -> Result<(), StoreError> {
    if result.rows_affected() == 0 { Err(StoreError::AlreadySpent) } else { Ok(()) }
}

/// Void grants, and the access tokens that are out under them. Expired ones as well: clocks differ.
pub(super) async fn revoke(connection: &mut SqliteConnection, of: Of<'_>, now: i64) -> Result<(), StoreError> {
    let (condition, first, second) = match of {
        Of::Grant(grant_id) => ("grant_id = $2 AND $3 = ''", grant_id, ""),
        Of::User(sub) => ("sub = $2 AND $3 = ''", sub, ""),
        Of::UserAtClient { sub, client_id } => ("sub = $2 AND client_id = $3", sub, client_id),
        Of::Client(client_id) => ("client_id = $2 AND $3 = ''", client_id, ""),
        Of::Sessions(sub) => ("sub = $2 AND $3 = '' AND NOT offline", sub, ""),
        Of::Session(sid) => ("sid = $2 AND $3 = '' AND NOT offline", sid, ""),
    };
    let revoke = format!("UPDATE grants SET revoked_at = $1 WHERE revoked_at IS NULL AND {condition}");
    let void = format!(
        "INSERT INTO revoked_tokens (jti, exp) SELECT jti, exp FROM grant_tokens \
         WHERE $1 > 0 AND grant_id IN (SELECT grant_id FROM grants WHERE {condition}) ON CONFLICT (jti) DO NOTHING"
    );
    for statement in [revoke, void] {
        // Made of constants alone.
        let query = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(now).bind(first).bind(second);
        query.execute(&mut *connection).await?;
    }
    Ok(())
}
