-- Schema of the authorization server. Times are seconds since 1970 unless a name ends in _millis. Hashes are SHA-256:
-- the database holds no code, token or cookie that could be used. Key columns compare
-- by bytes (COLLATE "C"), on every operating system and after every upgrade of it.

-- Clients added by the command line or by dynamic registration. Those of the clients file are not stored.
CREATE TABLE clients (
    client_id               TEXT COLLATE "C" PRIMARY KEY,
    scopes                  TEXT NOT NULL, -- separated by spaces
    default_scope           TEXT, -- NULL for all scopes without those of OpenID Connect
    resources               TEXT NOT NULL, -- JSON array of resource identifiers
    default_resource        TEXT,
    introspection_audiences TEXT NOT NULL, -- JSON array of resource identifiers
    token_exchange          TEXT NOT NULL, -- JSON array of resource, scopes and beyond_grant
    token_format            TEXT NOT NULL, -- jwt or opaque
    attributes              TEXT NOT NULL, -- JSON object, for custom claims
    login                   TEXT, -- JSON; NULL for a client without user login
    enabled                 BOOLEAN NOT NULL,
    token_generation        BIGINT NOT NULL -- access tokens of an earlier generation are void
);

-- Secret hashes of clients. A client has several while a new secret replaces an old one.
CREATE TABLE client_secrets (
    client_id  TEXT COLLATE "C" NOT NULL REFERENCES clients (client_id) ON DELETE CASCADE,
    kind       TEXT NOT NULL, -- sha256 or argon2id
    hash       BYTEA NOT NULL,
    not_after  BIGINT, -- NULL for a secret that does not expire
    created_at BIGINT NOT NULL
);
CREATE INDEX client_secrets_by_client ON client_secrets (client_id);

-- Dynamically registered clients (RFC 7591).
CREATE TABLE client_registrations (
    client_id  TEXT COLLATE "C" PRIMARY KEY REFERENCES clients (client_id) ON DELETE CASCADE,
    token_hash BYTEA NOT NULL, -- of the registration access token
    metadata   TEXT NOT NULL, -- JSON, as registered
    issued_at  BIGINT NOT NULL,
    approved   BOOLEAN NOT NULL -- by an operator
);

-- Signing key pairs: at most one next and one current for each algorithm.
CREATE TABLE signing_keys (
    kid         TEXT COLLATE "C" PRIMARY KEY,
    algorithm   TEXT NOT NULL,
    pkcs8       BYTEA NOT NULL, -- private key
    state       TEXT NOT NULL, -- next, current or retired
    state_since BIGINT NOT NULL
);
CREATE UNIQUE INDEX signing_keys_one_current ON signing_keys (algorithm) WHERE state = 'current';
CREATE UNIQUE INDEX signing_keys_one_next ON signing_keys (algorithm) WHERE state = 'next';

-- Incremented with every change of a client or a key; running servers reload when it changes.
CREATE TABLE revision (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    counter BIGINT NOT NULL
);
INSERT INTO revision (id, counter) VALUES (1, 0);

-- Servers that use this database. A key signs once all of them publish it.
CREATE TABLE running_servers (
    id       BYTEA PRIMARY KEY, -- random, new at each start
    revision BIGINT NOT NULL, -- the counter whose clients and keys it has loaded
    seen_at  TIMESTAMPTZ NOT NULL
);

-- Secret from which the servers of this installation derive their keys for cookies and refresh tokens.
CREATE TABLE installation_secret (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    secret BYTEA NOT NULL,
    issuer TEXT -- of the last server that started on this database
);

-- User accounts.
CREATE TABLE users (
    sub               TEXT COLLATE "C" PRIMARY KEY,
    username          TEXT COLLATE "C" NOT NULL UNIQUE,
    password_hash     TEXT NOT NULL, -- PHC string of Argon2id
    claims            TEXT NOT NULL, -- JSON, OpenID Connect Core 5.1
    attributes        TEXT NOT NULL, -- JSON object, for custom claims
    enabled           BOOLEAN NOT NULL,
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL,
    device_generation BIGINT NOT NULL -- changes when the user's known devices are forgotten
);

-- Browser sessions of signed-in users.
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

-- Clients that received tokens in a session; they are notified when it ends.
CREATE TABLE session_clients (
    sid       TEXT COLLATE "C" NOT NULL REFERENCES sessions (sid) ON DELETE CASCADE,
    client_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (sid, client_id)
);

-- Pending back-channel logout notifications (OpenID Connect Back-Channel Logout).
CREATE TABLE backchannel_logout_queue (
    sid             TEXT COLLATE "C" NOT NULL,
    client_id       TEXT COLLATE "C" NOT NULL,
    sub             TEXT COLLATE "C" NOT NULL,
    next_attempt_at BIGINT NOT NULL,
    exp             BIGINT NOT NULL, -- no attempt after this time
    PRIMARY KEY (sid, client_id)
);
CREATE INDEX backchannel_logout_queue_by_next_attempt_at ON backchannel_logout_queue (next_attempt_at);

-- Access that a user allowed a client; the consent page is skipped for it.
CREATE TABLE consents (
    sub        TEXT COLLATE "C" NOT NULL REFERENCES users (sub) ON DELETE CASCADE,
    client_id  TEXT COLLATE "C" NOT NULL,
    scope      TEXT NOT NULL,
    resources  TEXT NOT NULL, -- JSON object: resource identifiers, each with its scope
    claims     TEXT NOT NULL, -- JSON object: names of the operator's claims, by scope and by resource
    granted_at BIGINT NOT NULL, -- when it was given or last extended
    PRIMARY KEY (sub, client_id)
);
CREATE INDEX consents_by_client ON consents (client_id);

-- Grants of users to clients. Every authorization code and token of a grant ends with it; its access tokens carry its
-- grant_id in their jti. A grant has at most one refresh token in force, from which the earlier ones are recognized.
-- fillfactor: a refresh changes no indexed column, so that it stays on its page while that has room.
CREATE TABLE grants (
    grant_id                 TEXT COLLATE "C" PRIMARY KEY,
    client_id                TEXT COLLATE "C" NOT NULL,
    sub                      TEXT COLLATE "C" NOT NULL,
    sid                      TEXT COLLATE "C" NOT NULL,
    scope                    TEXT NOT NULL,
    resources                TEXT NOT NULL, -- JSON object: the named resources, or the inferred one
    auth_time                BIGINT NOT NULL,
    auth_time_requested      BOOLEAN NOT NULL, -- the request had max_age, or claims with auth_time
    claims                   TEXT NOT NULL, -- JSON object: names of the claims parameter
    custom_claims            TEXT NOT NULL, -- JSON object, as claims in consents
    offline                  BOOLEAN NOT NULL, -- outlives the session (offline_access)
    exp                      BIGINT NOT NULL, -- expiry of the last code or token
    delete_after             BIGINT NOT NULL, -- end of the day of exp, so that its index changes once a day
    refresh_token_hash       BYTEA, -- NULL where no refresh token was issued
    refresh_token_generation BIGINT, -- number of refresh tokens before this one
    refresh_token_exp        BIGINT,
    refresh_token_issued_at  BIGINT,
    revoked_at               BIGINT
) WITH (fillfactor = 70);
CREATE INDEX grants_by_sub ON grants (sub, client_id);
CREATE INDEX grants_by_sid ON grants (sid);
CREATE INDEX grants_by_client ON grants (client_id);
CREATE INDEX grants_by_delete_after ON grants (delete_after);

-- Authorization codes (RFC 6749 section 4.1.2).
CREATE TABLE authorization_codes (
    hash           BYTEA PRIMARY KEY,
    grant_id       TEXT COLLATE "C" NOT NULL REFERENCES grants (grant_id) ON DELETE CASCADE,
    redirect_uri   TEXT, -- NULL where the request named none
    code_challenge TEXT, -- NULL without PKCE
    nonce          TEXT,
    exp            BIGINT NOT NULL,
    consumed_at    BIGINT
);
CREATE INDEX authorization_codes_by_grant ON authorization_codes (grant_id);

-- Device authorizations (RFC 8628).
CREATE TABLE device_authorizations (
    hash                  BYTEA PRIMARY KEY, -- of the device code
    user_code             TEXT COLLATE "C" NOT NULL UNIQUE,
    client_id             TEXT COLLATE "C" NOT NULL,
    scope                 TEXT NOT NULL,
    resources             TEXT NOT NULL, -- as in grants
    state                 TEXT NOT NULL, -- pending, denied or approved
    grant_id              TEXT COLLATE "C" REFERENCES grants (grant_id) ON DELETE CASCADE,
    exp                   BIGINT NOT NULL,
    poll_interval_seconds BIGINT NOT NULL, -- minimum between two polls
    polled_at             BIGINT,
    consumed_at           BIGINT
);
CREATE INDEX device_authorizations_by_exp ON device_authorizations (exp);
CREATE INDEX device_authorizations_by_grant ON device_authorizations (grant_id);

-- Pushed authorization requests (RFC 9126).
CREATE TABLE pushed_authorization_requests (
    hash       BYTEA PRIMARY KEY, -- of the request_uri
    client_id  TEXT COLLATE "C" NOT NULL,
    parameters TEXT NOT NULL, -- form-encoded
    exp        BIGINT NOT NULL,
    browser    BYTEA -- hash of the cookie of the browser that opened it, which extended exp; NULL before
);
CREATE INDEX pushed_authorization_requests_by_exp ON pushed_authorization_requests (exp);

-- Request objects that were used; each is accepted once (RFC 9101).
CREATE TABLE used_request_objects (
    hash BYTEA PRIMARY KEY, -- of client_id and jti, or of what was signed
    exp  BIGINT NOT NULL
);
CREATE INDEX used_request_objects_by_exp ON used_request_objects (exp);

-- Claims of opaque access tokens.
CREATE TABLE opaque_access_tokens (
    hash   BYTEA PRIMARY KEY,
    claims TEXT NOT NULL, -- JSON
    exp    BIGINT NOT NULL
);
CREATE INDEX opaque_access_tokens_by_exp ON opaque_access_tokens (exp);

-- Access tokens that were revoked one by one (RFC 7009).
CREATE TABLE revoked_access_tokens (
    jti TEXT COLLATE "C" PRIMARY KEY,
    exp BIGINT NOT NULL
);
CREATE INDEX revoked_access_tokens_by_exp ON revoked_access_tokens (exp);

-- Rate limits that are in use. Unlogged: a crash of the database forgets them.
CREATE UNLOGGED TABLE rate_limits (
    key     BYTEA PRIMARY KEY, -- SHA-256 of the limit, its subject and the caller's network
    full_at TIMESTAMPTZ NOT NULL -- when all permits are available again
);
CREATE INDEX rate_limits_by_full_at ON rate_limits (full_at);

-- Audit log: who did what, and the outcome. It holds no secret and no token.
CREATE TABLE audit_log (
    id        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at_millis BIGINT NOT NULL CHECK (at_millis >= 0),
    event     TEXT NOT NULL,
    outcome   TEXT NOT NULL,
    actor     TEXT, -- cli, system, client:CLIENT_ID or user:SUB; NULL for an unauthenticated caller
    client_id TEXT COLLATE "C", -- the client concerned
    sub       TEXT COLLATE "C", -- the user concerned
    kid       TEXT, -- the signing key concerned
    jti       TEXT COLLATE "C", -- the access token concerned
    scope     TEXT,
    members   TEXT, -- names of the replaced members of a registration, or of the changed attributes
    address   TEXT, -- of the caller; NULL for cli and system, and for a count of several networks
    error     TEXT, -- OAuth error code of a rejection
    count     BIGINT NOT NULL DEFAULT 1 CHECK (count > 0) -- of rejections, the last one at at_millis
);
CREATE INDEX audit_log_by_time ON audit_log (at_millis, id);
CREATE INDEX audit_log_by_client ON audit_log (client_id, at_millis, id);
CREATE INDEX audit_log_by_sub ON audit_log (sub, at_millis, id) WHERE sub IS NOT NULL;
CREATE INDEX audit_log_by_jti ON audit_log (jti);
