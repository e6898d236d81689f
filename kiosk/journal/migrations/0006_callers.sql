-- Programs that may call the local API; of a token only the digest is kept.
CREATE TABLE client (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  digest TEXT NOT NULL,
  scopes TEXT NOT NULL,
  made_at TEXT NOT NULL,
  ends_at TEXT,
  revoked_at TEXT,
  seen TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX client_name ON client (name) WHERE revoked_at IS NULL;

-- What a caller was told under an idempotency key; without a status it has not ended, or the kiosk stopped in the middle.
CREATE TABLE answer (
  client TEXT NOT NULL,
  key TEXT NOT NULL,
  digest TEXT NOT NULL,
  status INTEGER,
  body TEXT NOT NULL DEFAULT '',
  at TEXT NOT NULL,
  PRIMARY KEY (client, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX answer_at ON answer (at);
