CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE item (
  epoch TEXT NOT NULL,
  seq INTEGER NOT NULL,
  kind TEXT NOT NULL,
  rid TEXT NOT NULL,
  body TEXT NOT NULL,
  t TEXT NOT NULL,
  prev TEXT NOT NULL,
  hash TEXT NOT NULL,
  at TEXT NOT NULL,
  acked_at TEXT,
  status TEXT,
  verdict TEXT,
  detail TEXT,
  PRIMARY KEY (epoch, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX item_waiting ON item (epoch, seq) WHERE acked_at IS NULL;
CREATE INDEX item_at ON item (at);
CREATE INDEX item_rid ON item (rid);

-- One row an attempt: open from INTENT until RECORD, DENY or VOID.
CREATE TABLE attempt (
  rid TEXT PRIMARY KEY,
  request_no TEXT UNIQUE,
  code_key TEXT NOT NULL,
  coupon TEXT,
  stock_id TEXT,
  state TEXT NOT NULL CHECK (state IN ('open', 'recorded', 'denied', 'void', 'rolled_back')),
  verdict TEXT NOT NULL DEFAULT '',
  reason TEXT NOT NULL DEFAULT '',
  value INTEGER NOT NULL DEFAULT 0,
  total INTEGER,
  threshold TEXT NOT NULL DEFAULT 'unchecked',
  result TEXT,
  at TEXT NOT NULL,
  seq INTEGER
) STRICT;
CREATE INDEX attempt_coupon ON attempt (coupon);
CREATE INDEX attempt_open ON attempt (code_key) WHERE state = 'open';

-- Uses that count: this kiosk's own records, and what the hub told after a recovery. Never cleared by a download.
CREATE TABLE used (rid TEXT PRIMARY KEY, coupon TEXT NOT NULL, store TEXT NOT NULL, at TEXT NOT NULL) STRICT;
CREATE INDEX used_coupon ON used (coupon);

CREATE TABLE object (
  type TEXT NOT NULL,
  id TEXT NOT NULL,
  rev INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (type, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE pool (
  coupon TEXT PRIMARY KEY,
  stock_id TEXT NOT NULL,
  code TEXT NOT NULL,
  short TEXT NOT NULL UNIQUE,
  rid TEXT,
  handed_at TEXT,
  added INTEGER NOT NULL
) STRICT;
CREATE INDEX pool_left ON pool (stock_id, added) WHERE rid IS NULL;
CREATE INDEX pool_handed ON pool (handed_at) WHERE handed_at IS NOT NULL;

CREATE TABLE job (
  id TEXT PRIMARY KEY,
  rid TEXT NOT NULL,
  kind TEXT NOT NULL,
  slip TEXT NOT NULL,
  state TEXT NOT NULL,
  detail TEXT NOT NULL,
  at TEXT NOT NULL,
  changed_at TEXT NOT NULL
) STRICT;
CREATE INDEX job_state ON job (state);
CREATE INDEX job_at ON job (at);
