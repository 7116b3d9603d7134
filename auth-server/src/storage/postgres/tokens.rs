use sqlx::{PgConnection, PgPool};

use crate::{
    domain::{OpaqueToken, TokenHash, grant_id_of},
    storage::{
        StoreError,
        rows::{self, IS_REVOKED},
    },
};

pub(super) async fn opaque_token(
    pool: &PgPool,
    hash: &TokenHash,
) -> Result<Option<OpaqueToken>, StoreError> {
    let claims =
        sqlx::query_scalar("SELECT claims FROM opaque_tokens WHERE hash = $1").bind(&hash.0[..]);
    let claims: Option<String> = claims.fetch_optional(pool).await?;
    rows::opaque_token(hash, claims.as_deref())
}

pub(super) async fn is_revoked(pool: &PgPool, jti: &str) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar(IS_REVOKED).bind(jti).bind(grant_id_of(jti)).fetch_one(pool).await?)
}

pub(super) async fn remember(
    connection: &mut PgConnection,
    token: &OpaqueToken,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO opaque_tokens (hash, claims, exp) VALUES ($1, $2, $3)")
        .bind(&token.hash.0[..])
        .bind(serde_json::to_string(&token.claims)?)
        .bind(token.claims.exp)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn revoke(
    connection: &mut PgConnection,
    jti: &str,
    exp: i64,
) -> Result<(), StoreError> {
    let revoked = sqlx::query(
        "INSERT INTO revoked_tokens (jti, exp) VALUES ($1, $2) ON CONFLICT (jti) DO NOTHING",
    );
    revoked.bind(jti).bind(exp).execute(connection).await?;
    Ok(())
}
