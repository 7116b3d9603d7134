//! What the tables hold, row by row: the same in every database. What is read back was written by
//! this program; a value that it cannot read is an error.

use sqlx::FromRow;

use super::{Account, Identity, LinkedIdentity, PendingLogin, Purpose, Session, StoreError};
use crate::random_id::Digest;

/// A session is written as seen at most so often, in seconds: not every page view is worth a write.
pub const SEEN_STEP: i64 = 30;
/// Whoever comes back late is told so, not taken for a forger, as long as the row is still there.
pub const REMEMBER_EXPIRED: i64 = 3_600;
/// So many rows of a kind go at once: a sweep never holds others up for long.
pub const SWEEP_BATCH: i64 = 500;

#[derive(FromRow)]
pub struct AccountRow {
    nickname: Option<String>,
    picture: Option<String>,
    email: Option<String>,
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
    secrets: Vec<u8>,
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
    tokens: Vec<u8>,
    seen_at: i64,
    expires_at: i64,
}

impl AccountRow {
    pub fn with(self, id: &str, identities: Vec<LinkedIdentity>) -> Account {
        let Self { nickname, picture, email } = self;
        Account { id: id.to_owned(), nickname, picture, email, identities }
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
            purpose: Purpose::parse(&row.purpose)
                .ok_or_else(|| unreadable("a pending login's purpose"))?,
            session: row.session_hash.map(digest).transpose()?,
            secrets: row.secrets,
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
            tokens: row.tokens,
            seen_at: row.seen_at,
            expires_at: row.expires_at,
        })
    }
}

/// Is it time to write down that a session was seen?
pub fn is_stale(session: &Session, now: i64) -> bool {
    session.seen_at + SEEN_STEP <= now
}

fn digest(bytes: Vec<u8>) -> Result<Digest, StoreError> {
    bytes.try_into().map(Digest).map_err(|_| unreadable("a hash"))
}

fn unreadable(what: &str) -> StoreError {
    StoreError::Unavailable(format!("{what} in the database cannot be read"))
}
