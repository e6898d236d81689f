"""The sum of all objects' revisions, kept beside them: tells that a card has lost a page of what came down (facts: sync-fleet A6).

Nothing else would: the position says that they were taken, and no index or chain names them. A lost object takes its revision out of
the sum, an older one the difference; revisions are positive and none comes twice.
"""

from __future__ import annotations

import sqlite3

SUM = "SELECT coalesce(sum(rev), 0) FROM object"
KEEP = "INSERT INTO fact VALUES ('revisions', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"


def shift(db: sqlite3.Connection, by: int) -> None:
    """Note a change of the objects that was just made; the sum of a journal that has none yet is looked up."""
    row = db.execute("SELECT value FROM fact WHERE name = 'revisions'").fetchone()
    found = int(row[0]) + by if row is not None else int(db.execute(SUM).fetchone()[0])
    db.execute(KEEP, (str(found),))


def fit(db: sqlite3.Connection) -> bool:
    """Tell whether the objects are those that were taken; a journal without the sum cannot tell (5 ms for 50,000)."""
    row = db.execute("SELECT value FROM fact WHERE name = 'revisions'").fetchone()
    return row is None or int(row[0]) == int(db.execute(SUM).fetchone()[0])


def ask_again(db: sqlite3.Connection) -> None:
    """Let everything come down again, and offline rights rest until it has."""
    db.execute("DELETE FROM fact WHERE name IN ('pos', 'revisions')")
    db.execute("INSERT INTO fact VALUES ('unreconciled', '1') ON CONFLICT DO NOTHING")
