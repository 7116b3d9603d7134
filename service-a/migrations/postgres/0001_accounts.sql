-- Times are seconds since 1970. Secrets of browsers stand here as SHA-256, tokens sealed with a key that only the browser has.
-- The order of texts is that of their bytes, on every system and after every upgrade of it.

CREATE TABLE accounts (
    id         TEXT COLLATE "C" PRIMARY KEY,
    nickname   TEXT,
    picture    TEXT,
    email      TEXT,
    -- The address in lower case, once its provider has verified it: whose it is. An unverified one claims nothing.
    email_key  TEXT COLLATE "C" UNIQUE,
    created_at BIGINT NOT NULL
);

-- What a person logs in with. The subject alone says nothing: two issuers may use the same one for two people.
CREATE TABLE identities (
    issuer     TEXT COLLATE "C" NOT NULL,
    subject    TEXT COLLATE "C" NOT NULL,
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    provider   TEXT NOT NULL, -- its name in the settings
    created_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_by_account ON identities (account_id);

CREATE TABLE sessions (
    id_hash    BYTEA PRIMARY KEY,
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    provider   TEXT NOT NULL,
    issuer     TEXT COLLATE "C" NOT NULL,
    subject    TEXT COLLATE "C" NOT NULL,
    sid        TEXT COLLATE "C", -- the provider's own name for its session
    tokens     BYTEA NOT NULL,
    seen_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_by_identity ON sessions (issuer, subject);
CREATE INDEX sessions_by_seen_at ON sessions (seen_at);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE pending_logins (
    state_hash   BYTEA PRIMARY KEY,
    browser_hash BYTEA NOT NULL,
    provider     TEXT NOT NULL,
    purpose      TEXT NOT NULL, -- login or link
    session_hash BYTEA,
    secrets      BYTEA NOT NULL,
    expires_at   BIGINT NOT NULL
);
CREATE INDEX pending_logins_by_expiry ON pending_logins (expires_at);

-- Logout tokens that were taken: each ends sessions once.
CREATE TABLE logout_tokens (
    issuer     TEXT COLLATE "C" NOT NULL,
    jti        TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, jti)
);
CREATE INDEX logout_tokens_by_expiry ON logout_tokens (expires_at);
