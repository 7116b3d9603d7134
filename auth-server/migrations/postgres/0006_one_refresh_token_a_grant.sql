-- A grant has one refresh token in force; those before it lead to it. Its access tokens carry its name.
ALTER TABLE grants ADD COLUMN kept_until     BIGINT NOT NULL DEFAULT 0; -- not before exp, and changes seldom
ALTER TABLE grants ADD COLUMN refresh_hash   BYTEA; -- NULL where none was issued
ALTER TABLE grants ADD COLUMN refresh_number BIGINT; -- how many came before it
ALTER TABLE grants ADD COLUMN refresh_exp    BIGINT;
ALTER TABLE grants ADD COLUMN refresh_at     BIGINT; -- when it took the place of the one before
DROP INDEX grants_by_exp;
CREATE INDEX grants_by_kept_until ON grants (kept_until);
-- A refresh changes no column of an index: with room on its page it writes to that page alone.
ALTER TABLE grants SET (fillfactor = 70);

-- Tokens issued before do not tell their grant: none of them is in force any more.
INSERT INTO revoked_tokens (jti, exp) SELECT jti, exp FROM grant_tokens ON CONFLICT (jti) DO NOTHING;
DELETE FROM grants;
DROP TABLE refresh_tokens;
DROP TABLE grant_tokens;
