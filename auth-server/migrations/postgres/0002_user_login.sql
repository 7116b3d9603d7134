ALTER TABLE clients ADD COLUMN login TEXT; -- JSON; NULL for a client that sends no users here

-- One secret for all servers of an installation; what pages and rotations need is derived from it.
CREATE TABLE installation (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    secret BYTEA NOT NULL
);

CREATE TABLE users (
    sub        TEXT COLLATE "C" PRIMARY KEY,
    username   TEXT COLLATE "C" NOT NULL UNIQUE,
    password   TEXT NOT NULL, -- PHC string of Argon2id
    claims     TEXT NOT NULL, -- JSON, OpenID Connect Core 5.1
    enabled    BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE sessions (
    hash       BYTEA PRIMARY KEY, -- of the cookie
    sid        TEXT COLLATE "C" NOT NULL UNIQUE,
    sub        TEXT COLLATE "C" NOT NULL REFERENCES users (sub) ON DELETE CASCADE,
    auth_time  BIGINT NOT NULL,
    last_seen  BIGINT NOT NULL,
    address    TEXT NOT NULL,
    user_agent TEXT NOT NULL
);
CREATE INDEX sessions_by_sub ON sessions (sub);
CREATE INDEX sessions_by_last_seen ON sessions (last_seen);

CREATE TABLE consents (
    sub       TEXT COLLATE "C" NOT NULL REFERENCES users (sub) ON DELETE CASCADE,
    client_id TEXT COLLATE "C" NOT NULL,
    scope     TEXT NOT NULL,
    given_at  BIGINT NOT NULL,
    PRIMARY KEY (sub, client_id)
);

-- What a user has allowed a client: codes and tokens belong to one of these.
CREATE TABLE grants (
    grant_id   TEXT COLLATE "C" PRIMARY KEY,
    client_id  TEXT COLLATE "C" NOT NULL,
    sub        TEXT COLLATE "C" NOT NULL,
    sid        TEXT COLLATE "C" NOT NULL,
    scope      TEXT NOT NULL,
    resources  TEXT NOT NULL, -- JSON array of resource identifiers
    auth_time  BIGINT NOT NULL,
    offline    BOOLEAN NOT NULL,
    exp        BIGINT NOT NULL, -- nothing of it lives longer
    revoked_at BIGINT
);
CREATE INDEX grants_by_sub ON grants (sub, client_id);
CREATE INDEX grants_by_sid ON grants (sid);
CREATE INDEX grants_by_exp ON grants (exp);

CREATE TABLE codes (
    hash           BYTEA PRIMARY KEY,
    grant_id       TEXT COLLATE "C" NOT NULL REFERENCES grants (grant_id) ON DELETE CASCADE,
    redirect_uri   TEXT,
    code_challenge TEXT,
    nonce          TEXT,
    exp            BIGINT NOT NULL,
    spent_at       BIGINT
);
CREATE INDEX codes_by_grant ON codes (grant_id);

CREATE TABLE refresh_tokens (
    hash     BYTEA PRIMARY KEY,
    grant_id TEXT COLLATE "C" NOT NULL REFERENCES grants (grant_id) ON DELETE CASCADE,
    exp      BIGINT NOT NULL,
    spent_at BIGINT
);
CREATE INDEX refresh_tokens_by_grant ON refresh_tokens (grant_id);
CREATE INDEX refresh_tokens_by_exp ON refresh_tokens (exp);

-- The access tokens of a grant, so that they end with it.
CREATE TABLE grant_tokens (
    jti      TEXT COLLATE "C" PRIMARY KEY,
    grant_id TEXT COLLATE "C" NOT NULL REFERENCES grants (grant_id) ON DELETE CASCADE,
    exp      BIGINT NOT NULL
);
CREATE INDEX grant_tokens_by_grant ON grant_tokens (grant_id);
CREATE INDEX grant_tokens_by_exp ON grant_tokens (exp);

ALTER TABLE audit ADD COLUMN sub TEXT COLLATE "C";
CREATE INDEX audit_by_sub ON audit (sub, at_millis, id) WHERE sub IS NOT NULL;
