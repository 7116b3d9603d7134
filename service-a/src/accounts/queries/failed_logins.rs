use super::backend::Pool;
use crate::accounts::{
    FailedLogin, LastFailure, StoreError,
    statements::{SELECT_FAILED_LOGINS, UPSERT_FAILED_LOGIN},
};

pub(super) async fn record(pool: &Pool, failed: &FailedLogin) -> Result<(), StoreError> {
    sqlx::query(UPSERT_FAILED_LOGIN)
        .bind(&failed.provider)
        .bind(failed.failed_at)
        .bind(&failed.reason)
        .execute(pool)
        .await?;
    Ok(())
}

pub(super) async fn all(pool: &Pool) -> Result<Vec<LastFailure>, StoreError> {
    let rows: Vec<(String, i64, String, Option<i64>)> =
        sqlx::query_as(SELECT_FAILED_LOGINS).fetch_all(pool).await?;
    let failure = |(provider, failed_at, reason, newest_session_expires_at)| LastFailure {
        login: FailedLogin { provider, failed_at, reason },
        newest_session_expires_at,
    };
    Ok(rows.into_iter().map(failure).collect())
}
