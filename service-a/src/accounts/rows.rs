//! Rows of the tables, shared by both databases. A stored value that cannot be parsed is an error.

use sqlx::FromRow;

use super::{Account, Identity, LinkedIdentity, LoginPurpose, PendingLogin, Session, StoreError};
use crate::random_id::Digest;

/// Interval, in seconds, at which the use of a session is written, to avoid a write per request.
pub const LAST_SEEN_RESOLUTION: i64 = 30;
/// Time, in seconds, for which an expired pending login is kept, so that a late response gets the
/// error `login_expired` instead of `login_not_found`.
pub const EXPIRED_LOGIN_RETENTION: i64 = 3_600;
/// Rows that one statement deletes, so that it does not block other writers for long.
pub const DELETE_BATCH: i64 = 500;

#[derive(FromRow)]
pub struct AccountRow {
    nickname: Option<String>,
    picture_url: Option<String>,
    email: Option<String>,
    created_at: i64,
}

#[derive(FromRow)]
pub struct IdentityRow {
    issuer: String,
    subject: String,
    provider: String,
}

#[derive(FromRow)]
pub struct PendingLoginRow {
    state_hash: Vec<u8>,
    browser_hash: Vec<u8>,
    provider: String,
    purpose: String,
    session_hash: Option<Vec<u8>>,
    sealed_secrets: Vec<u8>,
    expires_at: i64,
}

#[derive(FromRow)]
pub struct SessionRow {
    id_hash: Vec<u8>,
    account_id: String,
    provider: String,
    issuer: String,
    subject: String,
    sid: Option<String>,
    sealed_tokens: Vec<u8>,
    last_seen_at: i64,
    expires_at: i64,
}

impl AccountRow {
    pub fn into_account(self, id: &str, identities: Vec<LinkedIdentity>) -> Account {
        let Self { nickname, picture_url, email, created_at } = self;
        let (id, picture) = (id.to_owned(), picture_url);
        Account { id, nickname, picture, email, created_at, identities }
    }
}

impl From<IdentityRow> for LinkedIdentity {
    fn from(IdentityRow { issuer, subject, provider }: IdentityRow) -> Self {
        Self { identity: Identity { issuer, subject }, provider }
    }
}

impl TryFrom<PendingLoginRow> for PendingLogin {
    type Error = StoreError;

    fn try_from(row: PendingLoginRow) -> Result<Self, StoreError> {
        Ok(Self {
            state: digest(row.state_hash)?,
            browser: digest(row.browser_hash)?,
            provider: row.provider,
            purpose: LoginPurpose::parse(&row.purpose).ok_or_else(|| invalid_value("purpose"))?,
            session: row.session_hash.map(digest).transpose()?,
            sealed_secrets: row.sealed_secrets,
            expires_at: row.expires_at,
        })
    }
}

impl TryFrom<SessionRow> for Session {
    type Error = StoreError;

    fn try_from(row: SessionRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: digest(row.id_hash)?,
            account_id: row.account_id,
            provider: row.provider,
            identity: Identity { issuer: row.issuer, subject: row.subject },
            sid: row.sid,
            sealed_tokens: row.sealed_tokens,
            last_seen_at: row.last_seen_at,
            expires_at: row.expires_at,
        })
    }
}

/// Reports whether the use of the session is to be written.
pub fn needs_seen_update(session: &Session, now: i64) -> bool {
    session.last_seen_at + LAST_SEEN_RESOLUTION <= now
}

fn digest(bytes: Vec<u8>) -> Result<Digest, StoreError> {
    bytes.try_into().map(Digest).map_err(|_| invalid_value("hash"))
}

fn invalid_value(column: &str) -> StoreError {
    StoreError::Unavailable(format!("the database contains an invalid {column}"))
}
