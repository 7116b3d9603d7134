use sqlx::{SqliteConnection, SqlitePool};

use crate::{
    domain::{AuthorizationCode, StoredAuthorizationCode, TokenHash, UserGrant},
    storage::{
        StoreError,
        rows::{self, CODE, CodeRow, GRANT, GRANTS_OF_USER, GrantRow, kept_until},
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

pub(super) async fn code(
    pool: &SqlitePool,
    hash: &TokenHash,
) -> Result<Option<StoredAuthorizationCode>, StoreError> {
    let row: Option<CodeRow> = sqlx::query_as(CODE).bind(&hash.0[..]).fetch_optional(pool).await?;
    row.map(StoredAuthorizationCode::try_from).transpose()
}

pub(super) async fn one(
    pool: &SqlitePool,
    grant_id: &str,
) -> Result<Option<UserGrant>, StoreError> {
    let row: Option<GrantRow> = sqlx::query_as(GRANT).bind(grant_id).fetch_optional(pool).await?;
    row.map(UserGrant::try_from).transpose()
}

pub(super) async fn of_user(
    pool: &SqlitePool,
    sub: &str,
    now: i64,
) -> Result<Vec<UserGrant>, StoreError> {
    rows::read(
        sqlx::query_as::<_, GrantRow>(GRANTS_OF_USER).bind(sub).bind(now).fetch_all(pool).await?,
    )
}

pub(super) async fn add(
    connection: &mut SqliteConnection,
    grant: &UserGrant,
    code: &AuthorizationCode,
) -> Result<(), StoreError> {
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
        "INSERT INTO grants (grant_id, client_id, sub, sid, scope, resources, auth_time, offline, exp, \
         kept_until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
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
    .bind(kept_until(exp))
    .execute(&mut *connection)
    .await?;
    super::sessions::join(connection, &grant.sid, &grant.client_id).await
}

/// Void grants, and with them all that is out under them. Expired ones as well: clocks differ.
pub(super) async fn revoke(
    connection: &mut SqliteConnection,
    of: Of<'_>,
    now: i64,
) -> Result<(), StoreError> {
    let (condition, first, second) = match of {
        Of::Grant(grant_id) => ("grant_id = $2 AND $3 = ''", grant_id, ""),
        Of::User(sub) => ("sub = $2 AND $3 = ''", sub, ""),
        Of::UserAtClient { sub, client_id } => ("sub = $2 AND client_id = $3", sub, client_id),
        Of::Client(client_id) => ("client_id = $2 AND $3 = ''", client_id, ""),
        Of::Sessions(sub) => ("sub = $2 AND $3 = '' AND NOT offline", sub, ""),
        Of::Session(sid) => ("sid = $2 AND $3 = '' AND NOT offline", sid, ""),
    };
    let revoke =
        format!("UPDATE grants SET revoked_at = $1 WHERE revoked_at IS NULL AND {condition}");
    // Made of constants alone.
    let query = sqlx::query(sqlx::AssertSqlSafe(revoke)).bind(now).bind(first).bind(second);
    query.execute(connection).await?;
    Ok(())
}
