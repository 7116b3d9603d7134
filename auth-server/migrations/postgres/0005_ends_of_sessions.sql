-- The clients that take part in a session, as long as it lives: they are told of its end.
CREATE TABLE session_clients (
    sid       TEXT COLLATE "C" NOT NULL REFERENCES sessions (sid) ON DELETE CASCADE,
    client_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (sid, client_id)
);
INSERT INTO session_clients (sid, client_id) SELECT DISTINCT sid, client_id FROM grants JOIN sessions USING (sid);

-- Clients that have still to be told of the end of a session (OpenID Connect Back-Channel Logout).
CREATE TABLE logout_news (
    sid       TEXT COLLATE "C" NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL,
    sub       TEXT COLLATE "C" NOT NULL,
    due_at    BIGINT NOT NULL, -- nobody tells it before
    exp       BIGINT NOT NULL, -- nobody wants to hear it after
    PRIMARY KEY (sid, client_id)
);
CREATE INDEX logout_news_by_due_at ON logout_news (due_at);

-- Its life is made longer once, when its user begins.
ALTER TABLE pushed_requests ADD COLUMN visited BOOLEAN NOT NULL DEFAULT FALSE;

-- Nothing was ever written there.
DROP TABLE used_once;
