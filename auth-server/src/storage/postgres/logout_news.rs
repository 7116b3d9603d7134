use sqlx::PgPool;

use crate::{
    domain::LogoutNotification,
    storage::{
        StoreError,
        rows::{self, NewsRow},
    },
};

/// News that another server is taking are left to it.
pub(super) async fn take(
    pool: &PgPool,
    now: i64,
    again_at: i64,
    limit: u32,
) -> Result<Vec<LogoutNotification>, StoreError> {
    let taken = sqlx::query_as::<_, NewsRow>(
        "UPDATE logout_news SET due_at = $2 WHERE (sid, client_id) IN \
         (SELECT sid, client_id FROM logout_news WHERE due_at <= $1 AND exp > $1 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED) \
         RETURNING sid, sub, client_id",
    );
    rows::read(taken.bind(now).bind(again_at).bind(i64::from(limit)).fetch_all(pool).await?)
}

pub(super) async fn forget(pool: &PgPool, news: &LogoutNotification) -> Result<(), StoreError> {
    let gone = sqlx::query("DELETE FROM logout_news WHERE sid = $1 AND client_id = $2");
    gone.bind(&news.sid).bind(&news.client_id).execute(pool).await?;
    Ok(())
}
