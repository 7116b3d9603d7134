use sqlx::{SqliteConnection, SqlitePool};

use super::batch;
use crate::{
    domain::{OpaqueToken, TokenHash, grant_id_of},
    storage::{
        StoreError,
        sql::access_tokens::{IS_REVOKED, OPAQUE_TOKEN, opaque_token},
    },
};

pub(super) async fn by_hash(
    pool: &SqlitePool,
    hash: &TokenHash,
) -> Result<Option<OpaqueToken>, StoreError> {
    let claims: Option<String> =
        sqlx::query_scalar(OPAQUE_TOKEN).bind(&hash.0[..]).fetch_optional(pool).await?;
    opaque_token(hash, claims.as_deref())
}

pub(super) async fn is_revoked(pool: &SqlitePool, jti: &str) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar(IS_REVOKED).bind(jti).bind(grant_id_of(jti)).fetch_one(pool).await?)
}

pub(super) async fn insert_opaque(
    connection: &mut SqliteConnection,
    tokens: &[&OpaqueToken],
) -> Result<(), StoreError> {
    let rows: Vec<_> =
        tokens.iter().map(|token| (token.hash.hex(), &token.claims, token.claims.exp)).collect();
    batch::execute(connection, INSERT_OPAQUE, &rows).await
}

/// Stores revocations, each as `jti` and expiry.
pub(super) async fn insert_revoked(
    connection: &mut SqliteConnection,
    revocations: &[(&str, i64)],
) -> Result<(), StoreError> {
    batch::execute(connection, INSERT_REVOKED, revocations).await
}

const INSERT_OPAQUE: &str = "INSERT INTO opaque_access_tokens (hash, claims, exp) \
     SELECT unhex(value ->> 0), value -> 1, value ->> 2 FROM json_each($1)";
const INSERT_REVOKED: &str = "INSERT INTO revoked_access_tokens (jti, exp) \
     SELECT value ->> 0, value ->> 1 FROM json_each($1) WHERE true ON CONFLICT (jti) DO NOTHING";
