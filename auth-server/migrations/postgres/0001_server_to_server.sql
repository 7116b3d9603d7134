-- Times are seconds since 1970 unless a name says milliseconds. The order of texts is that of their bytes, on every
-- system and after every upgrade of it.

CREATE TABLE clients (
    client_id    TEXT COLLATE "C" PRIMARY KEY,
    scopes       TEXT NOT NULL,
    resources    TEXT NOT NULL, -- JSON array of resource identifiers
    introspects  TEXT NOT NULL, -- JSON array of resource identifiers
    token_format TEXT NOT NULL,
    enabled      BOOLEAN NOT NULL,
    created_at   BIGINT NOT NULL
);

CREATE TABLE client_secrets (
    client_id  TEXT COLLATE "C" NOT NULL REFERENCES clients (client_id) ON DELETE CASCADE,
    kind       TEXT NOT NULL, -- sha256 or argon2id
    hash       BYTEA NOT NULL,
    not_after  BIGINT,
    created_at BIGINT NOT NULL
);
CREATE INDEX client_secrets_by_client ON client_secrets (client_id);

CREATE TABLE signing_keys (
    kid         TEXT COLLATE "C" PRIMARY KEY,
    algorithm   TEXT NOT NULL,
    pkcs8       BYTEA NOT NULL,
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
    hash   BYTEA PRIMARY KEY,
    claims TEXT NOT NULL, -- JSON
    exp    BIGINT NOT NULL
);
CREATE INDEX opaque_tokens_by_exp ON opaque_tokens (exp);

CREATE TABLE revoked_tokens (
    jti TEXT COLLATE "C" PRIMARY KEY,
    exp BIGINT NOT NULL
);
CREATE INDEX revoked_tokens_by_exp ON revoked_tokens (exp);

CREATE TABLE audit (
    id        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at_millis BIGINT NOT NULL,
    event     TEXT NOT NULL,
    outcome   TEXT NOT NULL,
    client_id TEXT COLLATE "C",
    jti       TEXT COLLATE "C",
    scope     TEXT,
    address   TEXT NOT NULL,
    error     TEXT
);
CREATE INDEX audit_by_time ON audit (at_millis, id);
CREATE INDEX audit_by_client ON audit (client_id, at_millis, id);
CREATE INDEX audit_by_jti ON audit (jti);
