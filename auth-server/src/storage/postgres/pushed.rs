use sqlx::{PgConnection, PgPool};

use crate::{
    domain::{PushedAuthorizationRequest, TokenHash},
    storage::StoreError,
};

pub(super) async fn add(
    pool: &PgPool,
    pushed: &PushedAuthorizationRequest,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO pushed_requests (hash, client_id, parameters, exp) VALUES ($1, $2, $3, $4)",
    )
    .bind(&pushed.hash.0[..])
    .bind(&pushed.client_id)
    .bind(&pushed.parameters)
    .bind(pushed.exp)
    .execute(pool)
    .await?;
    Ok(())
}

/// Read a client's request that is in force. The first time, keep it so until `until` at least.
pub(super) async fn visit(
    pool: &PgPool,
    hash: &TokenHash,
    client_id: &str,
    now: i64,
    until: i64,
) -> Result<Option<PushedAuthorizationRequest>, StoreError> {
    let row = sqlx::query_as(
        "UPDATE pushed_requests SET exp = CASE WHEN visited THEN exp ELSE greatest(exp, $1) END, visited = TRUE \
         WHERE hash = $2 AND client_id = $3 AND exp > $4 RETURNING parameters, exp",
    );
    let row = row.bind(until).bind(&hash.0[..]).bind(client_id).bind(now);
    let found: Option<(String, i64)> = row.fetch_optional(pool).await?;
    let client_id = client_id.to_owned();
    Ok(found.map(|(parameters, exp)| PushedAuthorizationRequest {
        hash: *hash,
        client_id,
        parameters,
        exp,
    }))
}

pub(super) async fn spend(
    connection: &mut PgConnection,
    hash: &TokenHash,
) -> Result<(), StoreError> {
    let gone = sqlx::query("DELETE FROM pushed_requests WHERE hash = $1").bind(&hash.0[..]);
    if gone.execute(connection).await?.rows_affected() == 0 {
        Err(StoreError::AlreadyConsumed)
    } else {
        Ok(())
    }
}
