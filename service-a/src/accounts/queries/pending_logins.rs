use std::net::IpAddr;

use super::backend::Pool;
use crate::{
    accounts::{
        PendingLogin, StoreError,
        rows::PendingLoginRow,
        statements::{CONSUME_PENDING_LOGIN, DELETE_OLDEST_PENDING_LOGINS, INSERT_PENDING_LOGIN},
    },
    random_id::Digest,
};

pub(super) async fn insert(
    pool: &Pool,
    pending: &PendingLogin,
    network: IpAddr,
    at_most: u32,
) -> Result<(), StoreError> {
    let network = network.to_string();
    sqlx::query(INSERT_PENDING_LOGIN)
        .bind(&pending.state.0[..])
        .bind(&pending.browser.0[..])
        .bind(&pending.provider)
        .bind(pending.purpose.as_str())
        .bind(pending.session.as_ref().map(|hash| hash.0.to_vec()))
        .bind(&pending.sealed_secrets)
        .bind(pending.expires_at)
        .bind(&network)
        .execute(pool)
        .await?;
    sqlx::query(DELETE_OLDEST_PENDING_LOGINS)
        .bind(&network)
        .bind(&pending.state.0[..])
        .bind(i64::from(at_most))
        .execute(pool)
        .await?;
    Ok(())
}

pub(super) async fn consume(
    pool: &Pool,
    state: &Digest,
    browser: &Digest,
) -> Result<Option<PendingLogin>, StoreError> {
    let row: Option<PendingLoginRow> = sqlx::query_as(CONSUME_PENDING_LOGIN)
        .bind(&state.0[..])
        .bind(&browser.0[..])
        .fetch_optional(pool)
        .await?;
    row.map(PendingLogin::try_from).transpose()
}
