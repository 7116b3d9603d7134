use super::backend::{Connection, Pool};
use crate::{
    domain::{PushedAuthorizationRequest, TokenHash},
    storage::{
        StoreError,
        sql::pushed_requests::{
            DELETE_PUSHED_REQUEST, INSERT_PUSHED_REQUEST, USE_REQUEST_OBJECT, VISIT_PUSHED_REQUEST,
        },
    },
};

pub(super) async fn add(
    pool: &Pool,
    pushed: &PushedAuthorizationRequest,
) -> Result<(), StoreError> {
    sqlx::query(INSERT_PUSHED_REQUEST)
        .bind(&pushed.hash.0[..])
        .bind(&pushed.client_id)
        .bind(&pushed.parameters)
        .bind(pushed.exp)
        .bind(pushed.browser.map(|browser| browser.0.to_vec()))
        .execute(pool)
        .await?;
    Ok(())
}

pub(super) async fn visit(
    pool: &Pool,
    hash: &TokenHash,
    client_id: &str,
    browser: &TokenHash,
    now: i64,
    until: i64,
) -> Result<Option<PushedAuthorizationRequest>, StoreError> {
    let visit = sqlx::query_as(VISIT_PUSHED_REQUEST);
    let visit = visit.bind(until).bind(&hash.0[..]).bind(client_id).bind(now).bind(&browser.0[..]);
    let found: Option<(String, i64)> = visit.fetch_optional(pool).await?;
    let client_id = client_id.to_owned();
    Ok(found.map(|(parameters, exp)| PushedAuthorizationRequest {
        hash: *hash,
        client_id,
        parameters,
        exp,
        browser: Some(*browser),
    }))
}

pub(super) async fn consume(
    connection: &mut Connection,
    hash: &TokenHash,
) -> Result<(), StoreError> {
    let delete = sqlx::query(DELETE_PUSHED_REQUEST).bind(&hash.0[..]);
    match delete.execute(connection).await?.rows_affected() {
        0 => Err(StoreError::AlreadyConsumed),
        _ => Ok(()),
    }
}

pub(super) async fn use_request_object(
    pool: &Pool,
    hash: &TokenHash,
    exp: i64,
) -> Result<bool, StoreError> {
    let insert = sqlx::query(USE_REQUEST_OBJECT).bind(&hash.0[..]).bind(exp);
    Ok(insert.execute(pool).await?.rows_affected() == 1)
}
