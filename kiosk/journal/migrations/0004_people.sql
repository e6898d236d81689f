-- Who may sign in at this kiosk, where no hub owns the people.
CREATE TABLE person (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  role TEXT NOT NULL CHECK (role IN ('clerk', 'manager')),
  verifier TEXT NOT NULL,
  since TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What a person did at the console: the journal says what happened, this says by whose hand.
CREATE TABLE act (
  n INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  person TEXT NOT NULL,
  name TEXT NOT NULL,
  what TEXT NOT NULL,
  rid TEXT NOT NULL
) STRICT;
CREATE INDEX act_rid ON act (rid) WHERE rid != '';
CREATE INDEX act_at ON act (at);

-- Conflicts that a manager has decided to let stand; one that was undone is a rollback in the journal.
CREATE TABLE decided (
  epoch TEXT NOT NULL,
  seq INTEGER NOT NULL,
  name TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (epoch, seq)
) STRICT, WITHOUT ROWID;

-- Figures of days that are over, kept when the rows themselves are forgotten: what the accountant asks for.
CREATE TABLE day_total (
  day TEXT NOT NULL,
  stock_id TEXT NOT NULL,
  claimed INTEGER NOT NULL,
  redeemed INTEGER NOT NULL,
  value INTEGER NOT NULL,
  void INTEGER NOT NULL,
  conflicts INTEGER NOT NULL,
  PRIMARY KEY (day, stock_id)
) STRICT, WITHOUT ROWID;
