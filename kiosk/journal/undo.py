"""A redemption is undone: its use is free again here."""

from __future__ import annotations

import sqlite3


def undo(db: sqlite3.Connection, of: str) -> bool:
    """Undo a redemption and free its use; False when this journal has none with that rid that stands."""
    changed = db.execute(
        "UPDATE attempt SET state = 'rolled_back' WHERE rid = ? AND state = 'recorded'", (of,)
    ).rowcount
    if changed == 1:
        db.execute("DELETE FROM used WHERE rid = ?", (of,))
    return changed == 1


OWN = """
SELECT 1 FROM attempt WHERE rid = ?1 AND state = 'recorded'
UNION ALL SELECT 1 FROM item WHERE rid = ?1 AND kind = 'redeem_record'
"""


def forget_learned(db: sqlite3.Connection, of: str) -> None:
    """Free a use that the hub had told after a recovery; what this journal itself has a record of stands."""
    if db.execute(OWN, (of,)).fetchone() is None:
        db.execute("DELETE FROM used WHERE rid = ?", (of,))


def undo_told(db: sqlite3.Connection, of: str) -> bool:
    """Undo what the hub knows as undone; True when the journal has to say so from now on."""
    if undo(db, of):
        return True
    db.execute("DELETE FROM used WHERE rid = ?", (of,))
    return False
