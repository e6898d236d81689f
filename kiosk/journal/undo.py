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


def forget_learned(db: sqlite3.Connection, of: str) -> None:
    """Free a use that the hub had told after a recovery: no attempt that stands here goes with it."""
    db.execute("DELETE FROM used WHERE rid = ?", (of,))
