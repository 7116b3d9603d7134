use sqlx::{PgConnection, PgPool};

use crate::{
    domain::{PushedRequest, TokenHash},
    store::StoreError,
};

pub(super) async fn add(pool: &PgPool, pushed: &PushedRequest) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO pushed_requests (hash, client_id, parameters, exp) VALUES ($1, $2, $3, $4)")
        .bind(&pushed.hash.0[..])
        .bind(&pushed.client_id)
        .bind(&pushed.parameters)
        .bind(pushed.exp)
        .execute(pool)
        .await?;
    Ok(())
}

/// Read a client's request that is in force, and keep it so until `until` at least.
pub(super) async fn visit(
    pool: &PgPool,
    hash: &TokenHash,
    client_id: &str,
    now: i64,
    until: i64,
) -> Result<Option<PushedRequest>, StoreError> {
    let row = sqlx::query_as(
        "UPDATE pushed_requests SET exp = greatest(exp, $1) WHERE hash = $2 AND client_id = $3 AND exp > $4 \
         RETURNING parameters, exp",
    );
    let row = row.bind(until).bind(&hash.0[..]).bind(client_id).bind(now);
    let found: Option<(String, i64)> = row.fetch_optional(pool).await?;
    let client_id = client_id.to_owned();
    Ok(found.map(|(parameters, exp)| PushedRequest { hash: *hash, client_id, parameters, exp }))
}

pub(super) async fn spend(connection: &mut PgConnection, hash: &TokenHash) -> Result<(), StoreError> {
    let gone = sqlx::query("DELETE FROM pushed_requests WHERE hash = $1").bind(&hash.0[..]);
    if gone.execute(connection).await?.rows_affected() == 0 { Err(StoreError::AlreadySpent) } else { Ok(()) }
}

/// Note a name that may be used once. Says whether it was new.
pub(super) async fn use_once(pool: &PgPool, kind: &str, name: &str, exp: i64) -> Result<bool, StoreError> {
    let inserted = sqlx::query("INSERT INTO used_once (kind, name, exp) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING");
    Ok(inserted.bind(kind).bind(name).bind(exp).execute(pool).await?.rows_affected() == 1)
}
