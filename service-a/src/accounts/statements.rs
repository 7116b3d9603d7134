//! SQL statements that SQLite and PostgreSQL share.

pub const SELECT_ACCOUNT: &str =
    "SELECT nickname, picture_url, email, created_at FROM accounts WHERE id = $1";
/// Oldest first.
pub const SELECT_IDENTITIES: &str = "SELECT issuer, subject, provider FROM identities WHERE account_id = $1 \
     ORDER BY created_at, issuer, subject";
pub const SELECT_ACCOUNT_ID: &str =
    "SELECT account_id FROM identities WHERE issuer = $1 AND subject = $2";
pub const SELECT_ACCOUNT_ID_BY_EMAIL: &str = "SELECT id FROM accounts WHERE verified_email = $1";
pub const INSERT_ACCOUNT: &str = "INSERT INTO accounts (id, nickname, picture_url, email, verified_email, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6)";
pub const INSERT_IDENTITY: &str = "INSERT INTO identities (issuer, subject, account_id, provider, created_at) \
     VALUES ($1, $2, $3, $4, $5)";
pub const DELETE_IDENTITY: &str = "DELETE FROM identities WHERE issuer = $1 AND subject = $2";
/// Missing values leave the stored ones.
pub const UPDATE_PROFILE: &str = "UPDATE accounts SET nickname = COALESCE($1, nickname), picture_url = COALESCE($2, picture_url), \
     email = COALESCE($3, email), verified_email = CASE WHEN $3 IS NULL THEN verified_email ELSE $4 END WHERE id = $5";

pub const INSERT_PENDING_LOGIN: &str = "INSERT INTO pending_logins \
     (state_hash, browser_hash, provider, purpose, session_hash, sealed_secrets, expires_at, network) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
/// Deletes the oldest of a network but `$3`, and never the one with the state `$2`.
pub const DELETE_OLDEST_PENDING_LOGINS: &str = "DELETE FROM pending_logins WHERE state_hash IN \
     (SELECT state_hash FROM pending_logins WHERE network = $1 \
     ORDER BY state_hash = $2 DESC, expires_at DESC LIMIT 1000 OFFSET $3)";
/// A single statement, so that only one of two concurrent responses finds the row.
pub const CONSUME_PENDING_LOGIN: &str = "DELETE FROM pending_logins WHERE state_hash = $1 AND browser_hash = $2 \
     RETURNING state_hash, browser_hash, provider, purpose, session_hash, sealed_secrets, expires_at";

pub const UPSERT_FAILED_LOGIN: &str = "INSERT INTO failed_logins (provider, failed_at, reason) VALUES ($1, $2, $3) \
     ON CONFLICT (provider) DO UPDATE SET failed_at = excluded.failed_at, reason = excluded.reason";
/// With the expiry of the newest session of the provider.
pub const SELECT_FAILED_LOGINS: &str = "SELECT provider, failed_at, reason, \
     (SELECT MAX(expires_at) FROM sessions WHERE sessions.provider = failed_logins.provider) \
     FROM failed_logins ORDER BY provider";

pub const INSERT_SESSION: &str = "INSERT INTO sessions \
     (id_hash, account_id, provider, issuer, subject, sid, sealed_tokens, last_seen_at, expires_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
pub const SELECT_SESSION: &str = "SELECT id_hash, account_id, provider, issuer, subject, sid, sealed_tokens, last_seen_at, expires_at \
     FROM sessions WHERE id_hash = $1 AND last_seen_at > $2 AND expires_at > $3";
pub const UPDATE_LAST_SEEN: &str =
    "UPDATE sessions SET last_seen_at = $1 WHERE id_hash = $2 AND last_seen_at < $1";
pub const UPDATE_TOKENS: &str = "UPDATE sessions SET sealed_tokens = $1 WHERE id_hash = $2";
/// Sessions of an issuer, with the subject and session id if they are given.
pub const SESSION_MATCHES: &str =
    "issuer = $1 AND subject = COALESCE($2, subject) AND ($3 IS NULL OR sid = $3)";
pub const DELETE_SESSION: &str = "DELETE FROM sessions WHERE id_hash = $1";
/// Inserts a row that no logout token has, since an issuer is never empty.
pub const INSERT_WRITE_PROBE: &str =
    "INSERT INTO used_logout_tokens (issuer, jti, expires_at) VALUES ('', '', 0)";
pub const DELETE_WRITE_PROBE: &str = "DELETE FROM used_logout_tokens WHERE issuer = ''";
pub const INSERT_LOGOUT_TOKEN: &str = "INSERT INTO used_logout_tokens (issuer, jti, expires_at) VALUES ($1, $2, $3) \
     ON CONFLICT (issuer, jti) DO NOTHING";
