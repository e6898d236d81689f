"""Rows that a hub had acknowledged and lost, by a backup that was put back: they go up again (facts: sync-fleet A2 P1, A7).

Whatever epoch they are of: a kiosk's journal may have begun several since the backup was made.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping

from kiosk.journal import items
from kiosk.journal.elsewhere import STATUS

LOT = 500
"""Rows moved by one transaction: a fortnight may hold 28,000, and what happens at the counter waits behind them."""
_RUNNING = "epoch = (SELECT value FROM fact WHERE name = 'epoch')"
_BEYOND = f"SELECT min(seq) FROM item WHERE {_RUNNING} AND seq > ?"  # noqa: S608  (our own words)
_WAIT = f"""
UPDATE item SET acked_at = NULL, status = NULL, verdict = NULL, detail = NULL WHERE {_RUNNING} AND seq > ?
"""  # noqa: S608
_OLDER = f"""
WITH begun AS (SELECT epoch, min(at) AS at FROM item GROUP BY epoch)
SELECT item.* FROM item JOIN begun USING (epoch)
WHERE NOT {_RUNNING} AND acked_at IS NOT NULL AND status NOT IN ('moved', '{STATUS}')
  AND rid NOT IN (SELECT rid FROM elsewhere)
  AND seq > coalesce((SELECT value FROM json_each(:had) WHERE key = epoch), 0)
ORDER BY begun.at, epoch, seq LIMIT :lot
"""  # noqa: S608
"""What was acknowledged there and stands nowhere else: a row that was moved goes by its copy, one of another hub not at all."""

_UNKNOWN = """
DELETE FROM pool WHERE rid IS NULL
  AND stock_id IN (SELECT id FROM object WHERE type = 'batch' AND json_extract(body, '$.offline.policy') != 'never')
  AND coupon NOT IN (SELECT json_extract(body, '$.coupon') FROM object WHERE type = 'code')
"""
"""Codes that are ready and of which the whole state says nothing, though it names every code that a kiosk may judge alone."""


def unknown_codes(db: sqlite3.Connection) -> int:
    """Forget the codes that are ready and that the hub has lost, whose slips it would refuse; return how many."""
    return db.execute(_UNKNOWN).rowcount


def running(db: sqlite3.Connection, after: int) -> bool:
    """Let the rows of the running epoch beyond `after` wait again; False when the row just beyond is not kept any more."""
    kept = db.execute(_BEYOND, (after,)).fetchone()[0]
    db.execute(_WAIT, (after,))
    return bool(kept == after + 1)


def older(db: sqlite3.Connection, had: Mapping[str, int], now: str) -> int:
    """Append to the running epoch, with their own times, the next rows of older ones that a hub lacks; return how many, 0: no more.

    `had`: how far the hub has each. Under their own epoch they would come from an older image of the card, as the hub sees it.
    """
    lost = db.execute(_OLDER, {"had": json.dumps(dict(had)), "lot": LOT}).fetchall()
    fresh = str(db.execute("SELECT value FROM fact WHERE name = 'epoch'").fetchone()[0]) if lost else ""
    count = 0
    for row in lost:
        items.move(db, row, fresh, now)
        count += 1
    return count
