"""Slip codes in the journal: the hub fills the pool, the button empties it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from kiosk.coupons.record import PoolCode
from kiosk.events import PoolChanged
from kiosk.journal.core import Core
from kiosk.journal.items import parse, text


class Pool(Core):
    """Codes that are ready, and those handed out."""

    async def forget_ready(self) -> None:
        """Hand none of the codes out that are ready: the hub honours them no more."""
        await self._db.run(forget_ready)
        self.bus.publish(PoolChanged(stock_id="", left=0))

    async def put_codes(self, stock_id: str, codes: Sequence[PoolCode]) -> int:
        """Add codes to the pool; return how many of them are new."""

        def work(db: sqlite3.Connection) -> int:
            last = db.execute("SELECT coalesce(max(added), 0) FROM pool").fetchone()[0]
            new = 0
            for n, code in enumerate(codes, last + 1):
                new += db.execute(
                    "INSERT INTO pool (coupon, stock_id, code, short, added) VALUES (?, ?, ?, ?, ?)"
                    " ON CONFLICT DO NOTHING",
                    (code.coupon, stock_id, code.code, code.short, n),
                ).rowcount
            return new

        new = await self._db.run(work)
        self.bus.publish(PoolChanged(stock_id=stock_id, left=await self.pool_left(stock_id)))
        return new

    async def pool_left(self, stock_id: str) -> int:
        """Return how many codes can be handed out."""
        return await self._db.read(lambda db: left(db, stock_id))

    async def hand_out(self, rid: str, stock_id: str, store: str) -> PoolCode | None:
        """Take the next code and note the claim in one transaction; None when the pool is empty."""

        def work(db: sqlite3.Connection) -> PoolCode | None:
            code = take_next(db, rid, stock_id, self._now())
            if code is not None:
                body = {"coupon": code.coupon, "stock_id": stock_id, "store": store, "via": "button"}
                self._append(db, "claim", rid, body)
            return code

        code = await self._write(work)
        if code is not None:
            self.bus.publish(PoolChanged(stock_id=stock_id, left=await self.pool_left(stock_id)))
        return code

    async def handed_out(self, since: datetime) -> int:
        """Return how many codes were handed out since a time; times that are still to come are a wrong clock's."""
        query = "SELECT count(*) FROM pool WHERE handed_at >= ? AND handed_at <= ?"
        limits = (text(since), self._now())
        return await self._db.read(lambda db: int(db.execute(query, limits).fetchone()[0]))

    async def last_handed_out(self) -> datetime | None:
        """Return when the last code was handed out."""
        row = await self._db.read(lambda db: db.execute("SELECT max(handed_at) FROM pool").fetchone())
        return parse(row[0]) if row[0] else None

    async def spare(self, stock_id: str) -> tuple[str, PoolCode] | None:
        """Return a code (and its rid) that was handed out but whose slip never reached a printer, so that it can be printed now.

        None of its print jobs got beyond "failed before the first byte", or the power went before there was one.
        """
        query = (
            "SELECT * FROM pool WHERE stock_id = ? AND rid IS NOT NULL AND closed = 0 AND NOT EXISTS"
            " (SELECT 1 FROM job WHERE job.rid = pool.rid AND job.state != 'failed') AND NOT EXISTS"
            " (SELECT 1 FROM void_code v WHERE v.coupon = pool.coupon) ORDER BY handed_at LIMIT 1"
        )

        def work(db: sqlite3.Connection) -> tuple[str, PoolCode] | None:
            row = db.execute(query, (stock_id,)).fetchone()
            return None if row is None else (row["rid"], _code(row))

        return await self._db.read(work)

    async def pool_code(self, short: str) -> tuple[str, PoolCode] | None:
        """Return batch and code of a short code that is in this kiosk's pool."""

        def work(db: sqlite3.Connection) -> tuple[str, PoolCode] | None:
            row = db.execute("SELECT * FROM pool WHERE short = ?", (short,)).fetchone()
            return None if row is None else (row["stock_id"], _code(row))

        return await self._db.read(work)


def left(db: sqlite3.Connection, stock_id: str) -> int:
    """Return how many codes of a batch can be handed out."""
    query = "SELECT count(*) FROM pool WHERE stock_id = ? AND rid IS NULL"
    return int(db.execute(query, (stock_id,)).fetchone()[0])


def forget_pool(db: sqlite3.Connection) -> None:
    """Forget every slip code and what was being asked for: another hub knows none of them, and gives the same names anew.

    What was handed out stays in the journal.
    """
    db.execute("DELETE FROM pool")
    db.execute("DELETE FROM fact WHERE name LIKE 'pool:%' OR name LIKE 'lease:%'")


def close_handed_out(db: sqlite3.Connection) -> None:
    """Take no code that was handed out for a spare any more: what became of its slip cannot be known from here."""
    db.execute("UPDATE pool SET closed = 1 WHERE rid IS NOT NULL AND closed = 0")


def forget_ready(db: sqlite3.Connection) -> None:
    """Hand out no code that an older copy of the journal has: the journal that it lacks the end of may have done so.

    The hub gives others; the same question would bring the same codes, so it is forgotten too.
    """
    db.execute("DELETE FROM pool WHERE rid IS NULL")
    close_handed_out(db)
    db.execute("DELETE FROM fact WHERE name LIKE 'pool:%'")


def take_next(db: sqlite3.Connection, rid: str, stock_id: str, now: str) -> PoolCode | None:
    """Take the next code of a batch under `rid`; None when the pool is empty."""
    row = db.execute(
        "SELECT * FROM pool WHERE stock_id = ? AND rid IS NULL ORDER BY added LIMIT 1", (stock_id,)
    ).fetchone()
    if row is None:
        return None
    db.execute("UPDATE pool SET rid = ?, handed_at = ? WHERE coupon = ?", (rid, now, row["coupon"]))
    return _code(row)


def _code(row: sqlite3.Row) -> PoolCode:
    return PoolCode(row["coupon"], row["code"], row["short"])
