"""What happened under another hub: it stays in the journal, goes up to nobody, and counts against no coupon of the hub that is."""

from __future__ import annotations

import secrets
import sqlite3

STATUS = "elsewhere"
"""Of items that waited for a hub that this kiosk has left; they are kept for the retention like those that went up."""
MINE = """
INSERT OR IGNORE INTO elsewhere SELECT rid FROM used UNION SELECT rid FROM attempt WHERE state = 'recorded'
UNION SELECT rid FROM item
"""


def set_apart(db: sqlite3.Connection, now: str) -> str:
    """Set apart what the journal holds and return the new epoch that begins with it.

    The hub that comes next counts its batches and serials from one as well; of an epoch that it does not know it would ask for
    every row.
    """
    fresh = secrets.token_hex(8)
    db.execute("DELETE FROM fact WHERE name = 'ended'")
    for fact in (("epoch", fresh), ("unreconciled", "1")):
        db.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", fact)
    db.execute(MINE)
    db.execute("DELETE FROM used")
    db.execute("DELETE FROM void_code")
    db.execute("UPDATE item SET acked_at = ?, status = ? WHERE acked_at IS NULL", (now, STATUS))
    return fresh


def moved(old: str, new: str) -> bool:
    """Tell whether two databases of hubs, by their ids, are known and different."""
    return old != "" and new != "" and old != new


def database_of(pos: str) -> str:
    """Return the id of the hub's database that a position in its change log is of; empty when it names none."""
    parts = pos.split(".")
    return parts[0] if len(parts) == 3 else ""
