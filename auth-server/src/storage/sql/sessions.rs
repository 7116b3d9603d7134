use sqlx::FromRow;

use super::token_hash;
use crate::{
    domain::{LogoutNotification, Session},
    storage::StoreError,
};

pub const SESSION: &str = "SELECT hash, sid, sub, auth_time, last_seen, address, user_agent FROM sessions WHERE hash = $1";
pub const SESSION_BY_SID: &str =
    "SELECT hash, sid, sub, auth_time, last_seen, address, user_agent FROM sessions WHERE sid = $1";
pub const SESSIONS_OF_USER: &str = "SELECT hash, sid, sub, auth_time, last_seen, address, user_agent FROM sessions \
     WHERE sub = $1 ORDER BY auth_time DESC";

pub const TOUCH_SESSION: &str = "UPDATE sessions SET last_seen = $1 WHERE hash = $2";
pub const CLIENTS_OF_SESSION: &str =
    "SELECT client_id FROM session_clients WHERE sid = $1 ORDER BY client_id";
pub const DELETE_LOGOUT_NOTIFICATION: &str =
    "DELETE FROM backchannel_logout_queue WHERE sid = $1 AND client_id = $2";

/// Delivery of a logout notification is attempted for this long.
pub const LOGOUT_NOTIFICATION_TTL_SECONDS: i64 = 3_600;

/// Which sessions to end.
#[derive(Clone, Copy)]
pub enum SessionSelector<'a> {
    OfUser(&'a str),
    WithSid(&'a str),
}

impl<'a> SessionSelector<'a> {
    /// Returns a condition on $1 and its value.
    pub fn condition(self) -> (&'static str, &'a str) {
        match self {
            Self::OfUser(sub) => ("sub = $1", sub),
            Self::WithSid(sid) => ("sid = $1", sid),
        }
    }
}

/// Queues logout notifications for the clients of the sessions. Delivery is abandoned at $2.
pub fn queue_logout_notifications(condition: &'static str) -> String {
    format!(
        "INSERT INTO backchannel_logout_queue (sid, client_id, sub, next_attempt_at, exp) \
         SELECT sid, client_id, sub, 0, $2 FROM sessions JOIN session_clients USING (sid) WHERE {condition} \
         ON CONFLICT DO NOTHING"
    )
}

pub fn delete_sessions(condition: &'static str) -> String {
    format!("DELETE FROM sessions WHERE {condition}")
}

#[derive(FromRow)]
pub struct NotificationRow {
    sid: String,
    sub: String,
    client_id: String,
}

impl TryFrom<NotificationRow> for LogoutNotification {
    type Error = StoreError;

    fn try_from(
        NotificationRow { sid, sub, client_id }: NotificationRow,
    ) -> Result<Self, StoreError> {
        Ok(Self { sid, sub, client_id })
    }
}

#[derive(FromRow)]
pub struct SessionRow {
    hash: Vec<u8>,
    sid: String,
    sub: String,
    auth_time: i64,
    last_seen: i64,
    address: String,
    user_agent: String,
}

impl TryFrom<SessionRow> for Session {
    type Error = StoreError;

    fn try_from(row: SessionRow) -> Result<Self, StoreError> {
        let SessionRow { hash, sid, sub, auth_time, last_seen, address, user_agent } = row;
        Ok(Self { hash: token_hash(hash)?, sid, sub, auth_time, last_seen, address, user_agent })
    }
}
