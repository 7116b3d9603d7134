use sqlx::FromRow;

use super::token_hash;
use crate::{
    domain::{LogoutNotification, Session},
    storage::StoreError,
};

pub const SESSION: &str = "SELECT hash, sid, sub, auth_time, last_seen, address, user_agent FROM sessions WHERE hash = $1";
pub const SESSION_NAMED: &str =
    "SELECT hash, sid, sub, auth_time, last_seen, address, user_agent FROM sessions WHERE sid = $1";
pub const SESSIONS_OF_USER: &str = "SELECT hash, sid, sub, auth_time, last_seen, address, user_agent FROM sessions \
     WHERE sub = $1 ORDER BY auth_time DESC";

/// For so long it is tried to tell a client of a sign-out.
pub const NEWS_SECONDS: i64 = 3_600;

#[derive(FromRow)]
pub struct NewsRow {
    sid: String,
    sub: String,
    client_id: String,
}

impl TryFrom<NewsRow> for LogoutNotification {
    type Error = StoreError;

    fn try_from(NewsRow { sid, sub, client_id }: NewsRow) -> Result<Self, StoreError> {
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
