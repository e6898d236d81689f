-- Codes that are worth nothing any more: a new code was given for a slip that may still appear. `claim` is the rid they were handed out under.
CREATE TABLE void_code (coupon TEXT PRIMARY KEY, claim TEXT NOT NULL, at TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX void_code_claim ON void_code (claim);
