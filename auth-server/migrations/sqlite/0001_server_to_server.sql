-- Times are seconds since 1970 unless a name says milliseconds.

CREATE TABLE clients (
    client_id    TEXT PRIMARY KEY,
    scopes       TEXT NOT NULL,
    resources    TEXT NOT NULL, -- JSON array of resource identifiers
    introspects  TEXT NOT NULL, -- JSON array of resource identifiers
    token_format TEXT NOT NULL,
    enabled      INTEGER NOT NULL,
    created_at   BIGINT NOT NULL
);

CREATE TABLE client_secrets (
    client_id  TEXT NOT NULL REFERENCES clients (client_id) ON DELETE CASCADE,
    kind       TEXT NOT NULL, -- sha256 or argon2id
    hash       BLOB NOT NULL,
    not_after  BIGINT,
    created_at BIGINT NOT NULL
);
CREATE INDEX client_secrets_by_client ON client_secrets (client_id);

CREATE TABLE signing_keys (
    kid         TEXT PRIMARY KEY,
    algorithm   TEXT NOT NULL,
    pkcs8       BLOB NOT NULL,
    state       TEXT NOT NULL, -- next, current or retired
    state_since BIGINT NOT NULL
);
CREATE UNIQUE INDEX signing_keys_one_current ON signing_keys (algorithm) WHERE state = 'current';
CREATE UNIQUE INDEX signing_keys_one_next ON signing_keys (algorithm) WHERE state = 'next';

-- Counts up with every change of a client or a key, so that running servers see it.
CREATE TABLE revision (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    counter BIGINT NOT NULL
);
INSERT INTO revision (id, counter) VALUES (1, 0);

CREATE TABLE opaque_tokens (
    hash   BLOB PRIMARY KEY,
    claims TEXT NOT NULL, -- JSON
    exp    BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX opaque_tokens_by_exp ON opaque_tokens (exp);

CREATE TABLE revoked_tokens (
    jti TEXT PRIMARY KEY,
    exp BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX revoked_tokens_by_exp ON revoked_tokens (exp);

CREATE TABLE audit (
    id        INTEGER PRIMARY KEY,
    at_millis BIGINT NOT NULL,
    event     TEXT NOT NULL,
    outcome   TEXT NOT NULL,
    client_id TEXT,
    jti       TEXT,
    scope     TEXT,
    address   TEXT NOT NULL,
    error     TEXT
);
CREATE INDEX audit_by_time ON audit (at_millis);
CREATE INDEX audit_by_client ON audit (client_id, at_millis);
CREATE INDEX audit_by_jti ON audit (jti);
