-- A device that waits for its user (RFC 8628).
CREATE TABLE devices (
    hash         BLOB PRIMARY KEY, -- of the device code
    user_code    TEXT NOT NULL UNIQUE,
    client_id    TEXT NOT NULL,
    scope        TEXT NOT NULL,
    resources    TEXT NOT NULL, -- JSON array of resource identifiers
    state        TEXT NOT NULL, -- waiting, denied or allowed
    grant_id     TEXT REFERENCES grants (grant_id) ON DELETE CASCADE,
    exp          BIGINT NOT NULL,
    poll_seconds BIGINT NOT NULL, -- at least between two questions
    polled_at    BIGINT,
    spent_at     BIGINT
) WITHOUT ROWID;
CREATE INDEX devices_by_exp ON devices (exp);
CREATE INDEX devices_by_grant ON devices (grant_id);

-- An authorization request that a client has sent ahead (RFC 9126).
CREATE TABLE pushed_requests (
    hash       BLOB PRIMARY KEY, -- of the request_uri
    client_id  TEXT NOT NULL,
    parameters TEXT NOT NULL, -- form-encoded
    exp        BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX pushed_requests_by_exp ON pushed_requests (exp);

-- What may be shown once: the names of signed statements (RFC 7523 section 3).
CREATE TABLE used_once (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    exp  BIGINT NOT NULL,
    PRIMARY KEY (kind, name)
) WITHOUT ROWID;
CREATE INDEX used_once_by_exp ON used_once (exp);
