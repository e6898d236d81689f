"""The record for people: found by code, time, person or batch; what waits for a decision; the totals of days that are over."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from kiosk.journal.core import Core
from kiosk.journal.items import parse, text
from kiosk.journal.rows import DayRow

KINDS = ("redeem_record", "attempt_denied", "void", "rollback", "claim", "code_void")
FOUND = """
SELECT item.*, (SELECT name FROM act WHERE act.rid = coalesce(json_extract(body, '$.of'), item.rid)
    AND (act.what = 'undo') = (item.kind = 'rollback') ORDER BY n LIMIT 1) AS person,
  (SELECT state FROM attempt WHERE attempt.rid = item.rid) AS state,
  (SELECT stock_id FROM attempt WHERE attempt.rid = json_extract(body, '$.of')) AS undone
FROM item WHERE kind IN (SELECT value FROM json_each(:kinds)) AND coalesce(status, '') != 'moved'
  AND at >= :since AND at < :until AND (at, epoch, seq) < (:at, :epoch, :seq)
  AND (:stock = '' OR json_extract(body, '$.stock_id') = :stock)
  AND (:coupons = '[]' OR item.rid IN (SELECT value FROM json_each(:coupons))
    OR json_extract(body, '$.of') IN (SELECT value FROM json_each(:coupons))
    OR json_extract(body, '$.coupon') IN (SELECT value FROM json_each(:coupons))
    OR coalesce(json_extract(body, '$.of'), item.rid) IN (SELECT rid FROM attempt
      WHERE code_key IN (SELECT value FROM json_each(:coupons))
        OR coupon IN (SELECT value FROM json_each(:coupons))))
  AND (:person = '' OR EXISTS (SELECT 1 FROM act WHERE act.name = :person
    AND act.rid = coalesce(json_extract(body, '$.of'), item.rid) AND (act.what = 'undo') = (item.kind = 'rollback')))
ORDER BY at DESC, epoch DESC, seq DESC LIMIT :limit
"""
CONFLICTS = """
SELECT item.*, '' AS person, '' AS undone, (SELECT state FROM attempt WHERE attempt.rid = item.rid) AS state FROM item
WHERE status = 'conflict' AND kind = 'redeem_record'
  AND NOT EXISTS (SELECT 1 FROM decided d WHERE d.epoch = item.epoch AND d.seq = item.seq)
  AND NOT EXISTS (SELECT 1 FROM attempt a WHERE a.rid = item.rid AND a.state = 'rolled_back')
ORDER BY at DESC LIMIT 100
"""


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for; what is empty does not narrow."""

    since: datetime | None = None
    until: datetime | None = None
    coupons: tuple[str, ...] = ()
    """Identities, digests or numbers of attempts that the code may stand for."""
    stock_id: str = ""
    person: str = ""
    after: str = ""
    """Position from which older rows follow, `at|epoch:seq`."""


class Row(msgspec.Struct, frozen=True):
    """One row of the record as people read it."""

    epoch: str
    seq: int
    at: datetime
    kind: str
    rid: str
    stock_id: str
    coupon: str
    verdict: str
    reason: str
    value: int
    person: str
    state: str
    """Of the attempt: recorded, rolled_back, ...; empty when there was none."""
    status: str
    detail: str


class Search(Core):
    """Questions of people."""

    async def search(self, ask: Ask, limit: int = 50) -> tuple[list[Row], str]:
        """Return rows, the newest first, and the position of older ones; empty at the end."""
        at, _, place = ask.after.partition("|")
        epoch, _, seq = place.rpartition(":")
        values = {
            "kinds": json.dumps(KINDS), "coupons": json.dumps(ask.coupons), "stock": ask.stock_id,
            "since": text(ask.since) if ask.since else "", "until": text(ask.until) if ask.until else "9999",
            "person": ask.person, "limit": limit + 1,
            "at": at or "9999", "epoch": epoch, "seq": int(seq) if seq.isdigit() else 0,
        }  # fmt: skip
        rows = await self._db.read(lambda db: [_row(r) for r in db.execute(FOUND, values)])
        kept = rows[:limit]
        last = kept[-1] if len(rows) > limit else None
        return kept, f"{text(last.at)}|{last.epoch}:{last.seq}" if last else ""

    async def waiting_conflicts(self) -> list[Row]:
        """Return redemptions that the hub calls conflicts and of which nobody has decided."""
        return await self._db.read(lambda db: [_row(r) for r in db.execute(CONFLICTS)])

    async def let_stand(self, epoch: str, seq: int, name: str) -> bool:
        """Note that a conflict stays as it is; False when there is none that waits."""

        def work(db: sqlite3.Connection) -> bool:
            there = "SELECT 1 FROM item WHERE epoch = ? AND seq = ? AND status = 'conflict'"
            if db.execute(there, (epoch, seq)).fetchone() is None:
                return False
            done = db.execute(
                "INSERT OR IGNORE INTO decided VALUES (?, ?, ?, ?)", (epoch, seq, name, self._now())
            )
            return done.rowcount == 1

        return await self._db.run(work)

    async def keep_day(self, day: str, rows: Sequence[DayRow]) -> None:
        """Keep the figures of a day that is over (`YYYY-MM-DD`)."""

        def work(db: sqlite3.Connection) -> None:
            for r in rows:
                db.execute(
                    "INSERT OR REPLACE INTO day_total VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (day, r.stock_id, r.claimed, r.redeemed, r.value, r.void, r.conflicts),
                )

        await self._db.run(work)

    async def kept_days(self, begin: str, end: str) -> list[tuple[str, DayRow]]:
        """Return kept figures from a day to before another."""
        query = "SELECT * FROM day_total WHERE day >= ? AND day < ? ORDER BY day, stock_id"
        return await self._db.read(
            lambda db: [(r["day"], DayRow(*tuple(r)[1:])) for r in db.execute(query, (begin, end))]
        )

    async def copy_to(self, path: str) -> None:
        """Write a whole, consistent copy of the journal to a new file."""
        await self._db.read(lambda db: db.execute("VACUUM INTO ?", (path,)).fetchall())


def _row(r: sqlite3.Row) -> Row:
    body: dict[str, Any] = json.loads(r["body"])
    return Row(
        r["epoch"], r["seq"], parse(r["at"]), r["kind"], r["rid"], body.get("stock_id") or r["undone"] or "",
        body.get("coupon") or "", body.get("verdict") or "", body.get("reason") or body.get("why") or "",
        body.get("value") or 0, r["person"] or "", r["state"] or "", r["status"] or "", r["detail"] or "",
    )  # fmt: skip
