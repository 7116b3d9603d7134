-- A client that has registered itself (RFC 7591), and what it has said.
CREATE TABLE registrations (
    client_id TEXT PRIMARY KEY REFERENCES clients (client_id) ON DELETE CASCADE,
    token     BLOB NOT NULL, -- hash of the registration access token
    metadata  TEXT NOT NULL, -- JSON, as in force
    issued_at BIGINT NOT NULL
);

-- What a client was allowed ends with it.
CREATE INDEX grants_by_client ON grants (client_id);
CREATE INDEX consents_by_client ON consents (client_id);
