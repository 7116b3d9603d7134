use sqlx::AssertSqlSafe;

use super::backend::{FOR_UPDATE_SKIP_LOCKED, Pool};
use crate::{
    domain::LogoutNotification,
    storage::{
        StoreError,
        sql::{
            decode,
            sessions::{DELETE_LOGOUT_NOTIFICATION, NotificationRow},
        },
    },
};

/// Returns whether a notification is due, without a write.
pub(super) async fn is_due(pool: &Pool, now: i64) -> Result<bool, StoreError> {
    let due =
        sqlx::query("SELECT 1 FROM backchannel_logout_queue WHERE next_attempt_at <= $1 LIMIT 1");
    Ok(due.bind(now).fetch_optional(pool).await?.is_some())
}

/// Takes notifications that are due, except those that another server is delivering.
pub(super) async fn take(
    pool: &Pool,
    now: i64,
    next_attempt_at: i64,
    limit: u32,
) -> Result<Vec<LogoutNotification>, StoreError> {
    let take = format!(
        "UPDATE backchannel_logout_queue SET next_attempt_at = $2 WHERE (sid, client_id) IN \
         (SELECT sid, client_id FROM backchannel_logout_queue WHERE next_attempt_at <= $1 AND exp > $1 \
         ORDER BY next_attempt_at LIMIT $3 {FOR_UPDATE_SKIP_LOCKED}) RETURNING sid, sub, client_id",
    );
    let taken = sqlx::query_as::<_, NotificationRow>(AssertSqlSafe(take));
    let taken = taken.bind(now).bind(next_attempt_at).bind(i64::from(limit));
    decode(taken.fetch_all(pool).await?)
}

pub(super) async fn delete(
    pool: &Pool,
    notification: &LogoutNotification,
) -> Result<(), StoreError> {
    let delete = sqlx::query(DELETE_LOGOUT_NOTIFICATION);
    delete.bind(&notification.sid).bind(&notification.client_id).execute(pool).await?;
    Ok(())
}
