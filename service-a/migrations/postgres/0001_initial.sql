-- Times are Unix times in seconds. Browser secrets are stored as SHA-256 hashes, tokens encrypted under keys derived from
-- those secrets.
-- COLLATE "C" compares bytes, independently of the locale of the operating system.

CREATE TABLE accounts (
    id             TEXT COLLATE "C" PRIMARY KEY,
    nickname       TEXT,
    picture_url    TEXT,
    email          TEXT,
    -- E-mail address in lower case, if the provider has verified it. Unverified addresses claim no account.
    verified_email TEXT COLLATE "C" UNIQUE,
    created_at     BIGINT NOT NULL
);

-- Identities at providers that are linked to an account. A subject is unique per issuer only.
CREATE TABLE identities (
    issuer     TEXT COLLATE "C" NOT NULL,
    subject    TEXT COLLATE "C" NOT NULL,
    account_id TEXT COLLATE "C" NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    provider   TEXT NOT NULL, -- name in the settings
    created_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_by_account ON identities (account_id);

CREATE TABLE sessions (
    id_hash       BYTEA PRIMARY KEY,
    account_id    TEXT COLLATE "C" NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    provider      TEXT NOT NULL,
    issuer        TEXT COLLATE "C" NOT NULL,
    subject       TEXT COLLATE "C" NOT NULL,
    sid           TEXT COLLATE "C", -- session id at the provider
    sealed_tokens BYTEA NOT NULL,
    last_seen_at  BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL
);
CREATE INDEX sessions_by_identity ON sessions (issuer, subject);
CREATE INDEX sessions_by_last_seen_at ON sessions (last_seen_at);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE pending_logins (
    state_hash     BYTEA PRIMARY KEY,
    browser_hash   BYTEA NOT NULL,
    provider       TEXT NOT NULL,
    purpose        TEXT NOT NULL, -- login or link
    session_hash   BYTEA,
    sealed_secrets BYTEA NOT NULL,
    network        TEXT NOT NULL, -- of the browser: an IPv4 address, or the first address of an IPv6 /64
    expires_at     BIGINT NOT NULL
);
CREATE INDEX pending_logins_by_expiry ON pending_logins (expires_at);
CREATE INDEX pending_logins_by_network ON pending_logins (network, expires_at);

-- `jti` of logout tokens that were used; each is accepted once.
CREATE TABLE used_logout_tokens (
    issuer     TEXT COLLATE "C" NOT NULL,
    jti        TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, jti)
);
CREATE INDEX used_logout_tokens_by_expiry ON used_logout_tokens (expires_at);

-- The last failed login of each provider, for `service-a doctor`. It names no user.
CREATE TABLE failed_logins (
    provider  TEXT PRIMARY KEY, -- name in the settings
    failed_at BIGINT NOT NULL,
    reason    TEXT NOT NULL
);
