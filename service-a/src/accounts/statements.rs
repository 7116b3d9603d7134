//! The statements that every database reads alike.

pub const ACCOUNT: &str = "SELECT nickname, picture, email FROM accounts WHERE id = $1";
/// The oldest first.
pub const IDENTITIES: &str = "SELECT issuer, subject, provider FROM identities WHERE account_id = $1 \
     ORDER BY created_at, issuer, subject";
pub const OWNER: &str = "SELECT account_id FROM identities WHERE issuer = $1 AND subject = $2";
pub const OWNER_OF_EMAIL: &str = "SELECT id FROM accounts WHERE email_key = $1";
pub const ADD_ACCOUNT: &str = "INSERT INTO accounts (id, nickname, picture, email, email_key, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6)";
pub const ADD_IDENTITY: &str = "INSERT INTO identities (issuer, subject, account_id, provider, created_at) \
     VALUES ($1, $2, $3, $4, $5)";
pub const REMOVE_IDENTITY: &str = "DELETE FROM identities WHERE issuer = $1 AND subject = $2";
/// What is no longer said stays.
pub const TAKE_UP: &str = "UPDATE accounts SET nickname = COALESCE($1, nickname), picture = COALESCE($2, picture), \
     email = COALESCE($3, email), email_key = CASE WHEN $3 IS NULL THEN email_key ELSE $4 END WHERE id = $5";

pub const BEGIN_LOGIN: &str = "INSERT INTO pending_logins \
     (state_hash, browser_hash, provider, purpose, session_hash, secrets, expires_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)";
/// One statement: of two answers with the same state, one finds the row.
pub const TAKE_LOGIN: &str = "DELETE FROM pending_logins WHERE state_hash = $1 AND browser_hash = $2 \
     RETURNING state_hash, browser_hash, provider, purpose, session_hash, secrets, expires_at";

pub const BEGIN_SESSION: &str = "INSERT INTO sessions \
     (id_hash, account_id, provider, issuer, subject, sid, tokens, seen_at, expires_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
pub const SESSION: &str = "SELECT id_hash, account_id, provider, issuer, subject, sid, tokens, seen_at, expires_at \
     FROM sessions WHERE id_hash = $1 AND seen_at > $2 AND expires_at > $3";
pub const SEE_SESSION: &str =
    "UPDATE sessions SET seen_at = $1 WHERE id_hash = $2 AND seen_at < $1";
pub const KEEP_TOKENS: &str = "UPDATE sessions SET tokens = $1 WHERE id_hash = $2";
pub const END_SESSION: &str = "DELETE FROM sessions WHERE id_hash = $1";
pub const NOTE_LOGOUT_TOKEN: &str = "INSERT INTO logout_tokens (issuer, jti, expires_at) VALUES ($1, $2, $3) \
     ON CONFLICT (issuer, jti) DO NOTHING";
