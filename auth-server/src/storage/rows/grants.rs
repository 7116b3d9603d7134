use sqlx::FromRow;

use super::{scope, token_hash, unreadable};
use crate::{
    domain::{AuthorizationCode, StoredAuthorizationCode, StoredRefreshToken, UserGrant},
    storage::StoreError,
};

pub const CODE: &str = "SELECT c.hash, c.redirect_uri, c.code_challenge, c.nonce, c.exp, c.spent_at, g.grant_id, \
     g.client_id, g.sub, g.sid, g.scope, g.resources, g.auth_time, g.offline, g.revoked_at \
     FROM codes c JOIN grants g USING (grant_id) WHERE c.hash = $1";
/// Of a JSON array of grants, as SQLite reads it.
pub const REFRESH_TOKENS: &str = "SELECT refresh_hash, refresh_number, refresh_exp, refresh_at, grant_id, client_id, \
     sub, sid, scope, resources, auth_time, offline, revoked_at \
     FROM grants WHERE refresh_hash IS NOT NULL AND grant_id IN (SELECT value FROM json_each($1))";
/// Of an array of grants, as PostgreSQL knows them.
pub const REFRESH_TOKENS_OF_ARRAY: &str = "SELECT refresh_hash, refresh_number, refresh_exp, refresh_at, grant_id, \
     client_id, sub, sid, scope, resources, auth_time, offline, revoked_at \
     FROM grants WHERE refresh_hash IS NOT NULL AND grant_id = ANY ($1)";
pub const GRANT: &str = "SELECT grant_id, client_id, sub, sid, scope, resources, auth_time, offline, revoked_at \
     FROM grants WHERE grant_id = $1";
pub const GRANTS_OF_USER: &str = "SELECT grant_id, client_id, sub, sid, scope, resources, auth_time, offline, \
     revoked_at FROM grants WHERE sub = $1 AND exp > $2 AND revoked_at IS NULL ORDER BY grant_id DESC";

/// A grant is kept to the end of the day on which the last of it ends: the index by which it is
/// forgotten changes once a day, and not with every refresh.
pub fn kept_until(exp: i64) -> i64 {
    const DAY: i64 = 86_400;
    (exp.div_euclid(DAY) + 1) * DAY
}

#[derive(FromRow)]
pub struct CodeRow {
    hash: Vec<u8>,
    redirect_uri: Option<String>,
    code_challenge: Option<String>,
    nonce: Option<String>,
    exp: i64,
    spent_at: Option<i64>,
    #[sqlx(flatten)]
    grant: GrantRow,
}

#[derive(FromRow)]
pub struct RefreshTokenRow {
    refresh_hash: Vec<u8>,
    refresh_number: i64,
    refresh_exp: i64,
    refresh_at: i64,
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
        let CodeRow { hash, redirect_uri, code_challenge, nonce, exp, spent_at, grant } = row;
        Ok(Self {
            code: AuthorizationCode {
                hash: token_hash(hash)?,
                redirect_uri,
                code_challenge,
                nonce,
                exp,
            },
            spent: spent_at.is_some(),
            revoked: grant.is_revoked(),
            grant: grant.try_into()?,
        })
    }
}

impl TryFrom<RefreshTokenRow> for StoredRefreshToken {
    type Error = StoreError;

    fn try_from(row: RefreshTokenRow) -> Result<Self, StoreError> {
        Ok(Self {
            hash: token_hash(row.refresh_hash)?,
            number: row
                .refresh_number
                .try_into()
                .map_err(|_| unreadable("a refresh token's number"))?,
            exp: row.refresh_exp,
            since: row.refresh_at,
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
            offline: row.offline,
        })
    }
}
