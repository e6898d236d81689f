"""Rows on their way up: waiting, acknowledged, kept for the retention, moved to a new epoch (facts: sync-fleet A5, A7)."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from kiosk.coupons.ids import new_rid
from kiosk.coupons.record import Ended, ItemVerdict
from kiosk.events import JournalAcked, PoolChanged
from kiosk.journal import again, ended, items
from kiosk.journal.core import Core
from kiosk.journal.items import parse, text
from kiosk.journal.pool import forget_ready
from kiosk.journal.rows import Backlog, Ends, Run
from kiosk.journal.undo import undo_told

RETENTION_DAYS = 14
MAX_ITEMS = 500
MAX_BYTES = 200 * 1024
"""Below the wire's 256 KiB, which counts the envelope too."""


class Upload(Core):
    """What the hub has to hear, and what it said."""

    async def pending(self, limit: int = MAX_ITEMS, max_bytes: int = MAX_BYTES) -> Run | None:
        """Return the oldest items that were not acknowledged."""

        def work(db: sqlite3.Connection) -> Run | None:
            rows = items.waiting(db, self.epoch, limit, max_bytes)
            if not rows:
                return None
            return Run(rows[0]["epoch"], rows[0]["seq"], rows[0]["prev"], tuple(items.build(r) for r in rows))

        return await self._db.read(work)

    async def ends(self) -> Ends:
        """Return how far the running epoch goes, and how far of it the hub has acknowledged."""

        def work(db: sqlite3.Connection) -> Ends:
            epoch = self._fact(db, "epoch") or ""
            tip, mark = items.tip(db, epoch)
            first = db.execute(
                "SELECT seq, prev FROM item WHERE epoch = ? AND acked_at IS NULL ORDER BY seq LIMIT 1",
                (epoch,),
            ).fetchone()
            acked = (tip, mark) if first is None else (first["seq"] - 1, first["prev"])
            return Ends(epoch, tip, *acked)

        return await self._db.read(work)

    async def send_again(self, after: int) -> bool:
        """Let the rows of the running epoch beyond `after` go up again: the hub has lost them, such as by a restored backup.

        What came down is asked for anew. False when the row just beyond is not kept any more, so that the chain cannot go on
        from there.
        """

        def work(db: sqlite3.Connection) -> bool:
            self._put(db, "resync", "1")
            return again.running(db, after)

        return await self._write(work)

    async def send_older(self, had: Mapping[str, int]) -> int:
        """Let the next rows of older epochs go up again that the hub lacks (`had`: how far it has each); return how many, 0: no more."""

        def work(db: sqlite3.Connection) -> int:
            count = again.older(db, had, self._now())
            if count:
                self._put(db, "resync", "1")
            return count

        return await self._write(work)

    async def forget_lost_codes(self) -> int:
        """Hand out none of the codes that the hub has lost, after its whole state was taken; return how many."""
        count = await self._db.run(again.unknown_codes)
        if count:
            self.bus.publish(PoolChanged(stock_id="", left=0))
        return count

    async def acknowledge(self, epoch: str, through: int, verdicts: Sequence[ItemVerdict]) -> int:
        """Keep the hub's verdicts and forget what is older than the retention; return how many conflicts are new."""

        def work(db: sqlite3.Connection) -> int:
            now, conflicts = self._now(), 0
            for v in verdicts:
                if v.seq > through or v.status == "retry":
                    continue
                changed = db.execute(
                    "UPDATE item SET acked_at = ?, status = ?, verdict = ?, detail = ?"
                    " WHERE epoch = ? AND seq = ? AND acked_at IS NULL",
                    (now, v.status, v.verdict, v.detail, epoch, v.seq),
                ).rowcount
                conflicts += changed if v.status == "conflict" else 0
            db.execute(
                "UPDATE item SET acked_at = ?, status = 'accepted' WHERE epoch = ? AND seq <= ? AND acked_at IS NULL",
                (now, epoch, through),
            )
            self._forget(db)
            return conflicts

        conflicts = await self._db.run(work)
        self.bus.publish(JournalAcked(through=through, conflicts=conflicts))
        return conflicts

    def _forget(self, db: sqlite3.Connection) -> None:
        """Remove what was acknowledged longer ago than the retention, oldest first.

        The chain of the running epoch keeps its last removed row as an anchor; an older epoch goes as a whole.
        """
        epoch, before = (
            self._fact(db, "epoch"),
            text(self.clock.trusted().at - timedelta(days=RETENTION_DAYS)),
        )
        row = db.execute(
            "SELECT seq, hash FROM item WHERE epoch = ?1 AND acked_at < ?2 AND seq <"
            " (SELECT coalesce(min(seq), 1 << 62) FROM item WHERE epoch = ?1 AND (acked_at IS NULL OR acked_at >= ?2))"
            " ORDER BY seq DESC LIMIT 1",
            (epoch, before),
        ).fetchone()
        if row is not None:
            self._put(db, "anchor", json.dumps({"epoch": epoch, "seq": row["seq"], "hash": row["hash"]}))
            db.execute("DELETE FROM item WHERE epoch = ? AND seq <= ?", (epoch, row["seq"]))
        db.execute(
            "DELETE FROM item WHERE epoch != ?1 AND NOT EXISTS (SELECT 1 FROM item kept"
            " WHERE kept.epoch = item.epoch AND (kept.acked_at IS NULL OR kept.acked_at >= ?2))",
            (epoch, before),
        )
        self._forget_jobs(db, before)

    @staticmethod
    def _forget_jobs(db: sqlite3.Connection, before: str) -> None:
        """Remove old slips that were printed (1.2 kB each); their codes stay known and are never printed as spares."""
        old = "FROM job WHERE state = 'printed' AND changed_at < ?"
        db.execute(f"UPDATE pool SET closed = 1 WHERE rid IN (SELECT rid {old})", (before,))  # noqa: S608  (our own words)
        db.execute(f"DELETE {old}", (before,))

    async def backlog(self) -> Backlog:
        """Return how much waits to go up and since when."""
        query = "SELECT count(*), min(at) FROM item WHERE acked_at IS NULL"

        def work(db: sqlite3.Connection) -> Backlog:
            count, oldest = db.execute(query).fetchone()
            return Backlog(count, parse(oldest) if oldest else None)

        return await self._db.read(work)

    async def conflicts(self) -> int:
        """Return how many redemptions of this kiosk the hub calls conflicts."""
        query = "SELECT count(*) FROM item WHERE status = 'conflict'"
        return await self._db.read(lambda db: int(db.execute(query).fetchone()[0]))

    async def begin_epoch(self) -> str:
        """Begin a new epoch: what was not acknowledged goes up again under it, in order."""
        fresh = secrets.token_hex(8)
        await self._write(lambda db: self._move(db, fresh))
        self.epoch = fresh
        return fresh

    async def ended(self) -> Ended | None:
        """Return how the epoch before ended, if no hub has heard of it yet."""
        return await self._db.read(ended.noted)

    def _move(self, db: sqlite3.Connection, fresh: str, had: int = 0) -> None:
        """Make `fresh` the epoch and append to it, with their own times, the rows that wait in any other.

        Uses are learned from the hub afterwards; what was handed out is not, so no code that was ready is given any more.
        `had`: how far a witness says that the old one went.
        """
        rows = db.execute(
            "SELECT * FROM item WHERE acked_at IS NULL ORDER BY epoch = ?, epoch, seq", (self.epoch,)
        ).fetchall()
        ended.note(db, ended.of(db, self.epoch, had))
        self._put(db, "epoch", fresh)
        self._put(db, "unreconciled", "1")
        forget_ready(db)
        now = self._now()
        for row in rows:
            items.move(db, row, fresh, now)

    async def learn_uses(self, uses: Sequence[dict[str, Any]]) -> None:
        """Take redemptions of this kiosk that the hub knows into the used-set.

        An older copy of the journal voids at its start what the kiosk had recorded later: the hub's record wins over that void.
        What was undone since the copy was made is undone here too.
        """

        def work(db: sqlite3.Connection) -> None:
            for use in uses:
                if use.get("state") == "rolled_back":
                    if undo_told(db, use["rid"]):
                        told = {
                            "of": use["rid"],
                            "why": "undone before the older copy was put back",
                            "by": "hub",
                        }
                        self._append(db, "rollback", new_rid(), told)
                    continue
                known = db.execute("SELECT state FROM attempt WHERE rid = ?", (use["rid"],)).fetchone()
                state = "recorded" if known is None else known["state"]
                if state == "recorded" or (state == "void" and use.get("state") in ("recorded", "conflict")):
                    at = text(datetime.fromisoformat(use["at"]))
                    db.execute(
                        "INSERT INTO used VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                        (use["rid"], use["coupon"], use["store"], at),
                    )

        await self._write(work)
