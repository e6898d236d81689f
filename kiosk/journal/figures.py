"""The journal for people and other programs: the day's figures, rows page by page, the proof of the chain."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Any

from kiosk.journal import export, items
from kiosk.journal.core import Core
from kiosk.journal.items import text
from kiosk.journal.rows import DayRow, Verification

DAY = """
SELECT json_extract(body, '$.stock_id') AS stock,
  sum(kind = 'claim' AND stands) AS claimed,
  sum(kind = 'redeem_record' AND stands) AS redeemed,
  sum(CASE WHEN kind = 'redeem_record' AND stands THEN json_extract(body, '$.value') ELSE 0 END) AS value,
  sum(kind = 'void') AS void,
  sum(coalesce(status, '') = 'conflict') AS conflicts
FROM (SELECT item.*, NOT EXISTS
        (SELECT 1 FROM attempt a WHERE a.rid = item.rid AND a.state = 'rolled_back') AND NOT EXISTS
        (SELECT 1 FROM void_code v WHERE v.claim = item.rid) AS stands
      FROM item WHERE at >= ? AND at < ? AND kind IN ('claim', 'redeem_record', 'void')
        AND coalesce(status, '') != 'moved')
GROUP BY stock ORDER BY stock
"""


class Figures(Core):
    """What the record says in sum."""

    async def day(self, since: datetime, until: datetime) -> list[DayRow]:
        """Return the figures of each batch between two times."""

        def work(db: sqlite3.Connection) -> list[DayRow]:
            return [
                DayRow(
                    r["stock"] or "", r["claimed"], r["redeemed"], r["value"] or 0, r["void"], r["conflicts"]
                )
                for r in db.execute(DAY, (text(since), text(until)))
            ]

        return await self._db.read(work)

    async def export(
        self, since: datetime | None, until: datetime | None, after: str, limit: int
    ) -> tuple[list[dict[str, Any]], str]:
        """Return a page of rows for people and other programs, and the next position; empty at the end."""
        return await self._db.read(lambda db: export.page(db, since, until, after, limit))

    async def verify(self) -> Verification:
        """Walk the hash chain."""
        rows, bad = await self._db.read(items.verify)
        return Verification(bad is None, rows, bad)
