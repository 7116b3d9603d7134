use sqlx::FromRow;

use super::{scope, token_hash, unreadable};
use crate::{
    domain::{AuthorizationCode, StoredAuthorizationCode, StoredRefreshToken, UserGrant},
    storage::{GrantOwner, StoreError},
};

pub const CODE: &str = "SELECT c.hash, c.redirect_uri, c.code_challenge, c.nonce, c.exp, c.consumed_at, g.grant_id, \
     g.client_id, g.sub, g.sid, g.scope, g.resources, g.auth_time, g.auth_time_requested, g.claims, g.custom_claims, g.offline, g.revoked_at \
     FROM authorization_codes c JOIN grants g USING (grant_id) WHERE c.hash = $1";
/// For SQLite: $1 is a JSON array of grant ids.
pub const REFRESH_TOKENS: &str = "SELECT refresh_token_hash, refresh_token_generation, refresh_token_exp, refresh_token_issued_at, grant_id, client_id, \
     sub, sid, scope, resources, auth_time, auth_time_requested, claims, custom_claims, offline, revoked_at \
     FROM grants WHERE refresh_token_hash IS NOT NULL AND grant_id IN (SELECT value FROM json_each($1))";
/// For PostgreSQL: $1 is an array of grant ids.
pub const REFRESH_TOKENS_OF_ARRAY: &str = "SELECT refresh_token_hash, refresh_token_generation, refresh_token_exp, refresh_token_issued_at, grant_id, \
     client_id, sub, sid, scope, resources, auth_time, auth_time_requested, claims, custom_claims, offline, revoked_at \
     FROM grants WHERE refresh_token_hash IS NOT NULL AND grant_id = ANY ($1)";
pub const GRANT: &str = "SELECT grant_id, client_id, sub, sid, scope, resources, auth_time, auth_time_requested, claims, custom_claims, offline, revoked_at \
     FROM grants WHERE grant_id = $1";
pub const GRANTS_OF_USER: &str = "SELECT grant_id, client_id, sub, sid, scope, resources, auth_time, auth_time_requested, claims, custom_claims, offline, \
     revoked_at FROM grants WHERE sub = $1 AND exp > $2 AND revoked_at IS NULL ORDER BY grant_id DESC";

/// Returns when a grant can be deleted: the end of the day of `exp`, so that the index changes once
/// a day and not on every refresh.
pub fn delete_after(exp: i64) -> i64 {
    const DAY: i64 = 86_400;
    (exp.div_euclid(DAY) + 1) * DAY
}

pub const INSERT_GRANT: &str = "INSERT INTO grants \
     (grant_id, client_id, sub, sid, scope, resources, auth_time, auth_time_requested, claims, custom_claims, offline, exp, delete_after) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
pub const INSERT_CODE: &str = "INSERT INTO authorization_codes (hash, grant_id, redirect_uri, code_challenge, nonce, exp) \
     VALUES ($1, $2, $3, $4, $5, $6)";

/// Which grants to revoke.
#[derive(Clone, Copy)]
pub enum GrantSelector<'a> {
    All,
    Grant(&'a str),
    User(&'a str),
    UserAtClient {
        sub: &'a str,
        client_id: &'a str,
    },
    /// The grants of a session that do not outlive it.
    Session(&'a str),
    /// The grants of a user that do not outlive their sessions.
    SessionsOfUser(&'a str),
    Client(&'a str),
}

impl<'a> GrantSelector<'a> {
    /// Returns a condition on $1 and $2, and the values of both.
    pub fn condition(self) -> (&'static str, &'a str, &'a str) {
        match self {
            Self::All => ("$1 = '' AND $2 = ''", "", ""),
            Self::Grant(grant_id) => ("grant_id = $1 AND $2 = ''", grant_id, ""),
            Self::User(sub) => ("sub = $1 AND $2 = ''", sub, ""),
            Self::UserAtClient { sub, client_id } => {
                ("sub = $1 AND client_id = $2", sub, client_id)
            }
            Self::Session(sid) => ("sid = $1 AND $2 = '' AND NOT offline", sid, ""),
            Self::SessionsOfUser(sub) => ("sub = $1 AND $2 = '' AND NOT offline", sub, ""),
            Self::Client(client_id) => ("client_id = $1 AND $2 = ''", client_id, ""),
        }
    }
}

impl<'a> From<&'a GrantOwner> for GrantSelector<'a> {
    fn from(owner: &'a GrantOwner) -> Self {
        match owner {
            GrantOwner::All => Self::All,
            GrantOwner::User { sub } => Self::User(sub),
            GrantOwner::Client { client_id } => Self::Client(client_id),
            GrantOwner::UserAtClient { sub, client_id } => Self::UserAtClient { sub, client_id },
        }
    }
}

/// Counts the grants of a condition that neither expired before $3 nor are revoked.
pub fn count_grants(condition: &'static str) -> String {
    format!("SELECT COUNT(*) FROM grants WHERE revoked_at IS NULL AND exp > $3 AND {condition}")
}

/// Revokes the grants of a condition at $3. Expired ones are included, because clocks differ.
pub fn revoke_grants(condition: &'static str) -> String {
    format!("UPDATE grants SET revoked_at = $3 WHERE revoked_at IS NULL AND {condition}")
}

#[derive(FromRow)]
pub struct CodeRow {
    hash: Vec<u8>,
    redirect_uri: Option<String>,
    code_challenge: Option<String>,
    nonce: Option<String>,
    exp: i64,
    consumed_at: Option<i64>,
    #[sqlx(flatten)]
    grant: GrantRow,
}

#[derive(FromRow)]
pub struct RefreshTokenRow {
    refresh_token_hash: Vec<u8>,
    refresh_token_generation: i64,
    refresh_token_exp: i64,
    refresh_token_issued_at: i64,
    #[sqlx(flatten)]
    grant: GrantRow,
}

#[derive(FromRow)]
pub struct GrantRow {
    grant_id: String,
    client_id: String,
    sub: String,
    sid: String,
    scope: String,
    resources: String,
    auth_time: i64,
    auth_time_requested: bool,
    claims: String,
    custom_claims: String,
    offline: bool,
    revoked_at: Option<i64>,
}

impl GrantRow {
    pub fn is_revoked(&self) -> bool {
        self.revoked_at.is_some()
    }
}

impl TryFrom<CodeRow> for StoredAuthorizationCode {
    type Error = StoreError;

    fn try_from(row: CodeRow) -> Result<Self, StoreError> {
        let CodeRow { hash, redirect_uri, code_challenge, nonce, exp, consumed_at, grant } = row;
        Ok(Self {
            code: AuthorizationCode {
                hash: token_hash(hash)?,
                redirect_uri,
                code_challenge,
                nonce,
                exp,
            },
            consumed: consumed_at.is_some(),
            revoked: grant.is_revoked(),
            grant: grant.try_into()?,
        })
    }
}

impl TryFrom<RefreshTokenRow> for StoredRefreshToken {
    type Error = StoreError;

    fn try_from(row: RefreshTokenRow) -> Result<Self, StoreError> {
        Ok(Self {
            hash: token_hash(row.refresh_token_hash)?,
            number: row
                .refresh_token_generation
                .try_into()
                .map_err(|_| unreadable("a refresh token's number"))?,
            exp: row.refresh_token_exp,
            since: row.refresh_token_issued_at,
            revoked: row.grant.is_revoked(),
            grant: row.grant.try_into()?,
        })
    }
}

impl TryFrom<GrantRow> for UserGrant {
    type Error = StoreError;

    fn try_from(row: GrantRow) -> Result<Self, StoreError> {
        Ok(Self {
            grant_id: row.grant_id,
            client_id: row.client_id,
            sub: row.sub,
            sid: row.sid,
            scope: scope(&row.scope)?,
            resources: serde_json::from_str(&row.resources)?,
            auth_time: row.auth_time,
            auth_time_requested: row.auth_time_requested,
            claims: serde_json::from_str(&row.claims)?,
            custom_claims: serde_json::from_str(&row.custom_claims)?,
            offline: row.offline,
        })
    }
}
