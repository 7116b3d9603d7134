use sqlx::PgPool;

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

/// Skips notifications that another server is delivering.
pub(super) async fn take(
    pool: &PgPool,
    now: i64,
    next_attempt_at: i64,
    limit: u32,
) -> Result<Vec<LogoutNotification>, StoreError> {
    let taken = sqlx::query_as::<_, NotificationRow>(
        "UPDATE backchannel_logout_queue SET next_attempt_at = $2 WHERE (sid, client_id) IN \
         (SELECT sid, client_id FROM backchannel_logout_queue WHERE next_attempt_at <= $1 AND exp > $1 \
         ORDER BY next_attempt_at LIMIT $3 FOR UPDATE SKIP LOCKED) RETURNING sid, sub, client_id",
    );
    let taken = taken.bind(now).bind(next_attempt_at).bind(i64::from(limit));
    decode(taken.fetch_all(pool).await?)
}

pub(super) async fn delete(
    pool: &PgPool,
    notification: &LogoutNotification,
) -> Result<(), StoreError> {
    let delete = sqlx::query(DELETE_LOGOUT_NOTIFICATION);
    delete.bind(&notification.sid).bind(&notification.client_id).execute(pool).await?;
    Ok(())
}
