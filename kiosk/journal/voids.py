"""Codes made void: a slip that may still appear is worth nothing before a new code takes its place (facts: cloud-printers 4.2)."""

from __future__ import annotations

import sqlite3
from typing import Literal

import msgspec

from kiosk.coupons.record import PoolCode
from kiosk.events import PoolChanged
from kiosk.journal.core import Core
from kiosk.journal.pool import left, take_next

Kept = Literal["settled", "used", "busy", "empty"]
"""Why the old code stays good: nobody doubts its slip; it was redeemed; it is being redeemed or printed; there is no other code."""
UNDER_WAY = "SELECT 1 FROM job WHERE rid = ? AND state IN ('queued', 'sending', 'sent')"
DOUBTED = (
    "SELECT pool.* FROM job JOIN pool ON pool.rid = job.rid WHERE job.id = ? AND job.kind = 'coupon' AND job.state = 'unknown'"
    " AND NOT EXISTS (SELECT 1 FROM void_code v WHERE v.coupon = pool.coupon)"
    " AND NOT EXISTS (SELECT 1 FROM job p WHERE p.rid = job.rid AND p.kind = 'coupon' AND p.state = 'printed')"
)
"""Slips in doubt whose code is on no other paper: with one copy out for certain, a new code would be worth a second time."""


class Fresh(msgspec.Struct, frozen=True):
    """What took the place of a code."""

    code: PoolCode
    void: str
    """The coupon that is worth nothing any more."""


def is_void(db: sqlite3.Connection, coupon: str) -> bool:
    """Tell whether a coupon was made void, here or (as the hub tells everybody) elsewhere."""
    query = (
        "SELECT 1 FROM void_code WHERE coupon = ?1"
        " UNION ALL SELECT 1 FROM object WHERE type = 'revocation' AND id = ?1"
    )
    return db.execute(query, (coupon,)).fetchone() is not None


class Voids(Core):
    """Old codes against new ones."""

    async def replace_code(self, job: str, rid: str, store: str) -> Fresh | Kept:
        """Make the code of an *unknown* slip void and hand the next one out under `rid`, in one transaction; or say why not.

        A power cut leaves both or neither: there is no moment at which two codes are good, and none at which the old one is void
        for nothing. What was redeemed stays redeemed.
        """

        def work(db: sqlite3.Connection) -> tuple[str, Fresh] | Kept:
            old = db.execute(DOUBTED, (job,)).fetchone()
            if old is None:
                return "settled"
            if (kept := _may_not(db, old)) is not None:
                return kept
            code = take_next(db, rid, old["stock_id"], self._now())
            if code is None:
                return "empty"
            db.execute("INSERT INTO void_code VALUES (?, ?, ?)", (old["coupon"], old["rid"], self._now()))
            db.execute("UPDATE job SET state = 'void' WHERE rid = ? AND state = 'unknown'", (old["rid"],))
            told = {"coupon": old["coupon"], "stock_id": old["stock_id"], "job": job, "by": code.coupon}
            self._append(db, "code_void", rid, told)
            body = {"coupon": code.coupon, "stock_id": old["stock_id"], "store": store, "via": "staff"}
            self._append(db, "claim", rid, body)
            return old["stock_id"], Fresh(code, old["coupon"])

        done = await self._write(work)
        if isinstance(done, str):
            return done
        stock_id, fresh = done
        ready = await self._db.read(lambda db: left(db, stock_id))
        self.bus.publish(PoolChanged(stock_id=stock_id, left=ready))
        return fresh

    async def doubted_batch(self, job: str) -> str | None:
        """Return the batch of an *unknown* coupon slip; None when there is no doubt about that one."""

        def work(db: sqlite3.Connection) -> str | None:
            row = db.execute(DOUBTED, (job,)).fetchone()
            return None if row is None else str(row["stock_id"])

        return await self._db.read(work)


def _may_not(db: sqlite3.Connection, old: sqlite3.Row) -> Kept | None:
    """Say why a code that was handed out cannot be made void now."""
    if db.execute("SELECT 1 FROM used WHERE coupon = ?", (old["coupon"],)).fetchone():
        return "used"
    scanned = "SELECT 1 FROM attempt WHERE state = 'open' AND (coupon = ?1 OR code_key = ?1)"
    if db.execute(scanned, (old["coupon"],)).fetchone():
        return "busy"
    return "busy" if db.execute(UNDER_WAY, (old["rid"],)).fetchone() else None
