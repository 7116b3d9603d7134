-- A device that waits for its user (RFC 8628).
CREATE TABLE devices (
    hash         BYTEA PRIMARY KEY, -- of the device code
    user_code    TEXT COLLATE "C" NOT NULL UNIQUE,
    client_id    TEXT COLLATE "C" NOT NULL,
    scope        TEXT NOT NULL,
    resources    TEXT NOT NULL, -- JSON array of resource identifiers
    state        TEXT NOT NULL, -- waiting, denied or allowed
    grant_id     TEXT COLLATE "C" REFERENCES grants (grant_id) ON DELETE CASCADE,
    exp          BIGINT NOT NULL,
    poll_seconds BIGINT NOT NULL, -- at least between two questions
    polled_at    BIGINT,
    spent_at     BIGINT
);
CREATE INDEX devices_by_exp ON devices (exp);
CREATE INDEX devices_by_grant ON devices (grant_id);

-- An authorization request that a client has sent ahead (RFC 9126).
CREATE TABLE pushed_requests (
    hash       BYTEA PRIMARY KEY, -- of the request_uri
    client_id  TEXT COLLATE "C" NOT NULL,
    parameters TEXT NOT NULL, -- form-encoded
    exp        BIGINT NOT NULL
);
CREATE INDEX pushed_requests_by_exp ON pushed_requests (exp);

-- What may be shown once: the names of signed statements (RFC 7523 section 3).
CREATE TABLE used_once (
    kind TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    exp  BIGINT NOT NULL,
    PRIMARY KEY (kind, name)
);
CREATE INDEX used_once_by_exp ON used_once (exp);
