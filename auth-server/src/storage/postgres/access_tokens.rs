use sqlx::{PgConnection, PgPool};

use crate::{
    domain::{OpaqueToken, TokenHash, grant_id_of},
    storage::{
        StoreError,
        sql::access_tokens::{IS_REVOKED, OPAQUE_TOKEN, opaque_token},
    },
};

pub(super) async fn by_hash(
    pool: &PgPool,
    hash: &TokenHash,
) -> Result<Option<OpaqueToken>, StoreError> {
    let claims: Option<String> =
        sqlx::query_scalar(OPAQUE_TOKEN).bind(&hash.0[..]).fetch_optional(pool).await?;
    opaque_token(hash, claims.as_deref())
}

pub(super) async fn is_revoked(pool: &PgPool, jti: &str) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar(IS_REVOKED).bind(jti).bind(grant_id_of(jti)).fetch_one(pool).await?)
}

pub(super) async fn insert_opaque(
    connection: &mut PgConnection,
    token: &OpaqueToken,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO opaque_access_tokens (hash, claims, exp) VALUES ($1, $2, $3)")
        .bind(&token.hash.0[..])
        .bind(serde_json::to_string(&token.claims)?)
        .bind(token.claims.exp)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn insert_revoked(
    connection: &mut PgConnection,
    jti: &str,
    exp: i64,
) -> Result<(), StoreError> {
    let insert = sqlx::query(
        "INSERT INTO revoked_access_tokens (jti, exp) VALUES ($1, $2) ON CONFLICT (jti) DO NOTHING",
    );
    insert.bind(jti).bind(exp).execute(connection).await?;
    Ok(())
}
