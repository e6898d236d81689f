"""The journal: the kiosk's durable record, one row per fact. Every method is one transaction."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from kiosk.clock import Clock
from kiosk.coupons.batch import Batch, Merchant, Store
from kiosk.coupons.machine import Exposure
from kiosk.coupons.record import Change, CodeBody, ItemKind, ItemVerdict, PoolCode
from kiosk.coupons.verdict import FirstUse
from kiosk.events import BatchesChanged, Bus, JournalAcked, JournalGrew, PoolChanged
from kiosk.journal import export, items
from kiosk.journal.database import Database
from kiosk.journal.errors import JournalError
from kiosk.journal.items import parse, text
from kiosk.journal.rows import (
    Assignment,
    Attempt,
    Backlog,
    Busy,
    DayRow,
    Intent,
    JobRow,
    Recovery,
    Run,
    Use,
    Used,
    Verification,
)

R = TypeVar("R")
RETENTION_DAYS = 14
MAX_ITEMS = 500
MAX_BYTES = 200 * 1024
"""Below the wire's 256 KiB, which counts the envelope too."""


class Journal:
    """The durable record of one kiosk."""

    def __init__(self, data_dir: Path, clock: Clock, bus: Bus) -> None:
        self.dir, self.clock, self.bus = data_dir, clock, bus
        self.path = data_dir / "journal.db"
        self.epoch = ""
        self.unclean = False
        self._db = Database(self.path)

    # -- life --

    async def start(self) -> Recovery:
        """Open the file, mend what was left open, and say what was found."""
        await self._db.open()
        try:
            flag, tip = self.dir / "running", self._tip_file()
            self.unclean = flag.exists()
            recovery = await self._db.run(lambda db: self._recover(db, tip))
            flag.touch()
            return recovery
        except BaseException:
            await self._db.close()
            raise

    async def stop(self) -> None:
        """Close the file; a clean end is noted."""
        if self.epoch:
            seq, _ = await self._db.read(lambda db: items.tip(db, self.epoch))
            self._write_tip(seq)
        await self._db.close()
        with contextlib.suppress(FileNotFoundError):
            (self.dir / "running").unlink()

    def _tip_file(self) -> dict[str, Any] | None:
        """Return epoch and sequence number at the last clean end, kept in a second file as a witness."""
        try:
            kept: dict[str, Any] = json.loads((self.dir / "tip").read_text("ascii"))
            return kept if {"epoch", "seq"} <= kept.keys() else None
        except (OSError, ValueError):
            return None

    def _write_tip(self, seq: int) -> None:
        raw = json.dumps({"epoch": self.epoch, "seq": seq})
        path = self.dir / "tip"
        if path.exists() and path.read_text("ascii") == raw:
            return
        fresh = self.dir / "tip.new"
        with fresh.open("w") as f:
            f.write(raw)
            f.flush()
            os.fsync(f.fileno())
        os.replace(fresh, path)

    def _recover(self, db: sqlite3.Connection, tip: dict[str, Any] | None) -> Recovery:
        told, new = "", False
        self.epoch = self._fact(db, "epoch") or ""
        if self._db.set_aside is not None:
            told = f"The journal was damaged and set aside as {self._db.set_aside.name}; a new one was begun."
        if self.epoch and tip and tip["epoch"] == self.epoch and items.tip(db, self.epoch)[0] < tip["seq"]:
            told = f"The journal ends before item {tip['seq']}, which it had; an older copy was restored or the card lost writes."
            self.epoch = ""
        elif not self.epoch and tip is not None and not told:
            told = "The journal is gone, but this kiosk had one; a new one was begun."
        if not self.epoch:
            new = True
            self.epoch = secrets.token_hex(8)
            self._put(db, "epoch", self.epoch)
            if told:
                self._put(db, "unreconciled", "1")
        open_rows = db.execute("SELECT * FROM attempt WHERE state = 'open'").fetchall()
        for row in open_rows:
            self._void(db, row["rid"], "the kiosk was restarted before the attempt had ended")
        return Recovery(len(open_rows), self.unclean, new, told)

    # -- small facts --

    @staticmethod
    def _fact(db: sqlite3.Connection, name: str) -> str | None:
        row = db.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    @staticmethod
    def _put(db: sqlite3.Connection, name: str, value: str) -> None:
        db.execute(
            "INSERT INTO fact VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )

    async def get(self, name: str) -> str | None:
        """Return a small fact of this kiosk."""
        return await self._db.read(lambda db: self._fact(db, name))

    async def put(self, name: str, value: str | None) -> None:
        """Keep or (None) forget a small fact of this kiosk."""

        def work(db: sqlite3.Connection) -> None:
            if value is None:
                db.execute("DELETE FROM fact WHERE name = ?", (name,))
            else:
                self._put(db, name, value)

        await self._db.run(work)

    async def _write(self, work: Callable[[sqlite3.Connection], R]) -> R:
        """Run a transaction that appends, then say that the journal grew."""
        result = await self._db.run(work)
        self.bus.publish(JournalGrew())
        return result

    def _append(self, db: sqlite3.Connection, kind: ItemKind, rid: str, body: dict[str, Any]) -> int:
        return items.append(db, self.epoch, self.clock, kind, rid, body)

    # -- redemption --

    async def intend(self, intent: Intent) -> None:
        """Guard and make the attempt durable: Used when no use is left here, Busy while the same code is under way."""

        def work(db: sqlite3.Connection) -> None:
            if db.execute(
                "SELECT 1 FROM attempt WHERE state = 'open' AND code_key = ?", (intent.code_key,)
            ).fetchone():
                raise Busy
            uses = self._uses(db, intent.coupon or intent.code_key)
            if len(uses) >= intent.max_uses:
                raise Used(uses[0])
            db.execute(
                "INSERT INTO attempt (rid, request_no, code_key, coupon, stock_id, state, total, at) VALUES (?, ?, ?, ?, ?, 'open', ?, ?)",
                (
                    intent.rid,
                    intent.request_no,
                    intent.code_key,
                    intent.coupon,
                    intent.stock_id,
                    intent.total,
                    self._now(),
                ),
            )

        await self._db.run(work)

    def _now(self) -> str:
        return text(self.clock.trusted().at)

    @staticmethod
    def _uses(db: sqlite3.Connection, coupon: str) -> list[Use]:
        rows = db.execute("SELECT rid, store, at FROM used WHERE coupon = ? ORDER BY at", (coupon,))
        return [Use(r["rid"], r["store"], parse(r["at"])) for r in rows]

    async def uses(self, coupon: str) -> list[Use]:
        """Return the uses of a coupon here, the first one first."""
        return await self._db.read(lambda db: self._uses(db, coupon))

    async def record(
        self,
        rid: str,
        *,
        body: dict[str, Any],
        code_key: str,
        store_name: str,
        value: int,
        result: dict[str, Any],
        max_uses: int = 1,
    ) -> int:
        """Honour an attempt: the redemption is durable when this returns. `body` is that of `redeem_record`.

        Used when another attempt took the last use meanwhile, under another reading of the same coupon.
        """
        coupon = body["coupon"] or code_key

        def work(db: sqlite3.Connection) -> int:
            uses = self._uses(db, coupon)
            if len(uses) >= max_uses:
                raise Used(uses[0])
            seq = self._append(db, "redeem_record", rid, body)
            db.execute("INSERT INTO used VALUES (?, ?, ?, ?)", (rid, coupon, store_name, self._now()))
            changed = db.execute(
                "UPDATE attempt SET state = 'recorded', verdict = ?, coupon = ?, stock_id = ?, value = ?, threshold = ?, result = ?, seq = ?"
                " WHERE rid = ? AND state = 'open'",
                (
                    body["verdict"],
                    coupon,
                    body["stock_id"],
                    value,
                    body["threshold"],
                    json.dumps(result),
                    seq,
                    rid,
                ),
            ).rowcount
            if changed != 1:
                raise JournalError("io", f"attempt {rid} is not open.")
            return seq

        return await self._write(work)

    def _void(
        self,
        db: sqlite3.Connection,
        rid: str,
        why: str,
        result: dict[str, Any] | None = None,
        reason: str = "",
    ) -> int:
        row = db.execute(
            "SELECT coupon, stock_id FROM attempt WHERE rid = ? AND state = 'open'", (rid,)
        ).fetchone()
        if row is None:
            raise JournalError("io", f"attempt {rid} is not open.")
        seq = self._append(
            db, "void", rid, {"coupon": row["coupon"], "stock_id": row["stock_id"], "why": why}
        )
        db.execute(
            "UPDATE attempt SET state = 'void', reason = ?, result = ?, seq = ? WHERE rid = ?",
            (reason, json.dumps(result) if result else None, seq, rid),
        )
        return seq

    async def void(
        self, rid: str, why: str, *, reason: str = "", result: dict[str, Any] | None = None
    ) -> int:
        """Give an attempt up that nobody honoured: whatever the hub decided for it is undone."""
        return await self._write(lambda db: self._void(db, rid, why, result, reason))

    async def deny(
        self,
        rid: str,
        *,
        reason: str,
        by: str,
        coupon: str | None,
        stock_id: str | None,
        result: dict[str, Any] | None = None,
    ) -> int:
        """Close an attempt that was refused, or (never begun) note a refusal."""

        def work(db: sqlite3.Connection) -> int:
            seq = self._append(
                db,
                "attempt_denied",
                rid,
                {"coupon": coupon, "stock_id": stock_id, "reason": reason, "by": by},
            )
            db.execute(
                "UPDATE attempt SET state = 'denied', reason = ?, result = ?, coupon = coalesce(?, coupon), seq = ?"
                " WHERE rid = ? AND state = 'open'",
                (reason, json.dumps(result) if result else None, coupon, seq, rid),
            )
            return seq

        return await self._write(work)

    async def rollback(self, of: str, rid: str, why: str, by: str) -> bool:
        """Undo a redemption of this kiosk; False when there is none to undo."""

        def work(db: sqlite3.Connection) -> bool:
            if (
                db.execute(
                    "UPDATE attempt SET state = 'rolled_back' WHERE rid = ? AND state = 'recorded'", (of,)
                ).rowcount
                != 1
            ):
                return False
            db.execute("DELETE FROM used WHERE rid = ?", (of,))
            self._append(db, "rollback", rid, {"of": of, "why": why[:200], "by": by})
            return True

        return await self._write(work)

    async def attempt(self, rid: str) -> Attempt | None:
        """Return an attempt."""
        return await self._one_attempt("rid", rid)

    async def attempt_by_request(self, request_no: str) -> Attempt | None:
        """Return the attempt that a till's request number belongs to."""
        return await self._one_attempt("request_no", request_no)

    async def _one_attempt(self, column: str, value: str) -> Attempt | None:
        def work(db: sqlite3.Connection) -> Attempt | None:
            row = db.execute(f"SELECT * FROM attempt WHERE {column} = ?", (value,)).fetchone()  # noqa: S608  (our own words)
            return None if row is None else _attempt(row)

        return await self._db.read(work)

    async def recent(self, limit: int = 50) -> list[Attempt]:
        """Return the newest attempts."""

        def work(db: sqlite3.Connection) -> list[Attempt]:
            return [
                _attempt(r) for r in db.execute("SELECT * FROM attempt ORDER BY at DESC LIMIT ?", (limit,))
            ]

        return await self._db.read(work)

    async def exposure(self, stock_id: str) -> Exposure:
        """Return what was honoured offline and has no verdict of the hub yet."""

        def work(db: sqlite3.Connection) -> Exposure:
            row = db.execute(
                "SELECT count(*), coalesce(sum(a.value), 0) FROM attempt a JOIN item i ON i.epoch = ? AND i.seq = a.seq"
                " WHERE a.stock_id = ? AND a.state = 'recorded' AND a.verdict = 'offline' AND i.acked_at IS NULL",
                (self.epoch, stock_id),
            ).fetchone()
            return Exposure(row[0], row[1])

        return await self._db.read(work)

    # -- handing out --

    async def put_codes(self, stock_id: str, codes: Sequence[PoolCode]) -> int:
        """Add codes to the pool; return how many of them are new."""

        def work(db: sqlite3.Connection) -> int:
            last = db.execute("SELECT coalesce(max(added), 0) FROM pool").fetchone()[0]
            new = 0
            for n, code in enumerate(codes, last + 1):
                new += db.execute(
                    "INSERT INTO pool (coupon, stock_id, code, short, added) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    (code.coupon, stock_id, code.code, code.short, n),
                ).rowcount
            return new

        new = await self._db.run(work)
        self.bus.publish(PoolChanged(stock_id=stock_id, left=await self.pool_left(stock_id)))
        return new

    async def pool_left(self, stock_id: str) -> int:
        """Return how many codes can be handed out."""
        query = "SELECT count(*) FROM pool WHERE stock_id = ? AND rid IS NULL"
        return await self._db.read(lambda db: int(db.execute(query, (stock_id,)).fetchone()[0]))

    async def hand_out(self, rid: str, stock_id: str, store: str) -> PoolCode | None:
        """Take the next code and note the claim in one transaction; None when the pool is empty."""

        def work(db: sqlite3.Connection) -> PoolCode | None:
            row = db.execute(
                "SELECT * FROM pool WHERE stock_id = ? AND rid IS NULL ORDER BY added LIMIT 1", (stock_id,)
            ).fetchone()
            if row is None:
                return None
            db.execute(
                "UPDATE pool SET rid = ?, handed_at = ? WHERE coupon = ?", (rid, self._now(), row["coupon"])
            )
            self._append(
                db,
                "claim",
                rid,
                {"coupon": row["coupon"], "stock_id": stock_id, "store": store, "via": "button"},
            )
            return PoolCode(row["coupon"], row["code"], row["short"])

        code = await self._write(work)
        if code is not None:
            self.bus.publish(PoolChanged(stock_id=stock_id, left=await self.pool_left(stock_id)))
        return code

    async def handed_out(self, since: datetime) -> int:
        """Return how many codes were handed out since a time."""
        query = "SELECT count(*) FROM pool WHERE handed_at >= ?"
        return await self._db.read(lambda db: int(db.execute(query, (text(since),)).fetchone()[0]))

    async def last_handed_out(self) -> datetime | None:
        """Return when the last code was handed out."""
        row = await self._db.read(lambda db: db.execute("SELECT max(handed_at) FROM pool").fetchone())
        return parse(row[0]) if row[0] else None

    async def spare(self, stock_id: str) -> tuple[str, PoolCode] | None:
        """Return a code (and its rid) that was handed out but whose slip never reached a printer, so that it can be printed now."""

        def work(db: sqlite3.Connection) -> tuple[str, PoolCode] | None:
            row = db.execute(
                "SELECT p.*, p.rid AS of FROM pool p JOIN job j ON j.rid = p.rid WHERE p.stock_id = ?"
                " GROUP BY p.coupon HAVING sum(j.state != 'failed') = 0 ORDER BY p.handed_at LIMIT 1",
                (stock_id,),
            ).fetchone()
            return None if row is None else (row["of"], PoolCode(row["coupon"], row["code"], row["short"]))

        return await self._db.read(work)

    async def pool_code(self, short: str) -> tuple[str, PoolCode] | None:
        """Return batch and code of a short code that is in this kiosk's pool."""

        def work(db: sqlite3.Connection) -> tuple[str, PoolCode] | None:
            row = db.execute("SELECT * FROM pool WHERE short = ?", (short,)).fetchone()
            return (
                None if row is None else (row["stock_id"], PoolCode(row["coupon"], row["code"], row["short"]))
            )

        return await self._db.read(work)

    # -- print jobs --

    async def job_add(self, job: str, rid: str, kind: str, slip: bytes, detail: dict[str, Any]) -> None:
        """Make a print job durable."""

        def work(db: sqlite3.Connection) -> None:
            now = self._now()
            db.execute(
                "INSERT INTO job VALUES (?, ?, ?, ?, 'queued', ?, ?, ?)",
                (job, rid, kind, slip.decode(), json.dumps(detail), now, now),
            )
            self._append(db, "print_job", rid, {"job": job, "slip": kind, **detail})

        await self._write(work)

    async def job_mark(self, job: str, state: str, detail: dict[str, Any], *, item: bool) -> None:
        """Change a job's state; with `item` the outcome is noted for the hub too."""

        def work(db: sqlite3.Connection) -> None:
            row = db.execute("SELECT rid, detail FROM job WHERE id = ?", (job,)).fetchone()
            merged = {**json.loads(row["detail"]), **detail}
            db.execute(
                "UPDATE job SET state = ?, detail = ?, changed_at = ? WHERE id = ?",
                (state, json.dumps(merged), self._now(), job),
            )
            if item:
                self._append(db, "print_result", row["rid"], {"job": job, "outcome": state, **detail})

        await (self._write(work) if item else self._db.run(work))

    async def jobs(self, states: Sequence[str] = (), limit: int = 200) -> list[JobRow]:
        """Return jobs in some states (all when none is named), the newest first."""

        def work(db: sqlite3.Connection) -> list[JobRow]:
            where = f"WHERE state IN ({','.join('?' * len(states))})" if states else ""
            rows = db.execute(f"SELECT * FROM job {where} ORDER BY at DESC LIMIT ?", (*states, limit))  # noqa: S608
            return [_job(r) for r in rows]

        return await self._db.read(work)

    async def job(self, job: str) -> JobRow | None:
        """Return one job."""

        def work(db: sqlite3.Connection) -> JobRow | None:
            row = db.execute("SELECT * FROM job WHERE id = ?", (job,)).fetchone()
            return None if row is None else _job(row)

        return await self._db.read(work)

    # -- up --

    async def pending(self, limit: int = MAX_ITEMS, max_bytes: int = MAX_BYTES) -> Run | None:
        """Return the oldest items that were not acknowledged."""

        def work(db: sqlite3.Connection) -> Run | None:
            rows = items.waiting(db, limit, max_bytes)
            if not rows:
                return None
            return Run(rows[0]["epoch"], rows[0]["seq"], rows[0]["prev"], tuple(items.build(r) for r in rows))

        return await self._db.read(work)

    async def acknowledge(self, epoch: str, through: int, verdicts: Sequence[ItemVerdict]) -> int:
        """Keep the hub's verdicts and forget what is older than the retention; return how many conflicts are new."""

        def work(db: sqlite3.Connection) -> int:
            now, conflicts = text(self.clock.wall()), 0
            for v in verdicts:
                if v.seq > through or v.status == "retry":
                    continue
                conflicts += v.status == "conflict"
                db.execute(
                    "UPDATE item SET acked_at = ?, status = ?, verdict = ?, detail = ? WHERE epoch = ? AND seq = ? AND acked_at IS NULL",
                    (now, v.status, v.verdict, v.detail, epoch, v.seq),
                )
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
        """Remove acknowledged items after the retention, oldest first; the chain keeps the last removed one as its anchor."""
        from datetime import timedelta

        before = text(self.clock.trusted().at - timedelta(days=RETENTION_DAYS))
        row = db.execute(
            "SELECT seq, hash FROM item WHERE epoch = ? AND acked_at IS NOT NULL AND at < ?"
            " AND seq < (SELECT coalesce(min(seq), 1 << 62) FROM item WHERE epoch = ? AND (acked_at IS NULL OR at >= ?))"
            " ORDER BY seq DESC LIMIT 1",
            (self.epoch, before, self.epoch, before),
        ).fetchone()
        if row is not None:
            self._put(db, "anchor", json.dumps({"epoch": self.epoch, "seq": row["seq"], "hash": row["hash"]}))
            db.execute("DELETE FROM item WHERE epoch = ? AND seq <= ?", (self.epoch, row["seq"]))

    async def backlog(self) -> Backlog:
        """Return how much waits to go up and since when."""

        def work(db: sqlite3.Connection) -> Backlog:
            row = db.execute("SELECT count(*), min(at) FROM item WHERE acked_at IS NULL").fetchone()
            return Backlog(row[0], parse(row[1]) if row[1] else None)

        return await self._db.read(work)

    async def conflicts(self) -> int:
        """Return how many redemptions of this kiosk the hub calls conflicts."""
        query = "SELECT count(*) FROM item WHERE status = 'conflict'"
        return await self._db.read(lambda db: int(db.execute(query).fetchone()[0]))

    async def begin_epoch(self) -> str:
        """Begin a new epoch: what was not acknowledged goes up again under it, in order."""

        def work(db: sqlite3.Connection) -> str:
            rows = db.execute("SELECT * FROM item WHERE acked_at IS NULL ORDER BY at, seq").fetchall()
            self.epoch = secrets.token_hex(8)
            self._put(db, "epoch", self.epoch)
            self._put(db, "unreconciled", "1")
            now = text(self.clock.wall())
            for row in rows:
                seq = self._append(db, row["kind"], row["rid"], json.loads(row["body"]))
                db.execute(
                    "UPDATE attempt SET seq = ? WHERE rid = ? AND seq = ?", (seq, row["rid"], row["seq"])
                )
                db.execute(
                    "UPDATE item SET acked_at = ?, status = 'moved', detail = ? WHERE epoch = ? AND seq = ?",
                    (now, self.epoch, row["epoch"], row["seq"]),
                )
            return self.epoch

        return await self._write(work)

    async def learn_uses(self, uses: Sequence[dict[str, Any]]) -> None:
        """Take redemptions of this kiosk that the hub knows into the used-set."""

        def work(db: sqlite3.Connection) -> None:
            for use in uses:
                known = db.execute("SELECT state FROM attempt WHERE rid = ?", (use["rid"],)).fetchone()
                if known is None or known["state"] == "recorded":
                    at = text(datetime.fromisoformat(use["at"]))
                    db.execute(
                        "INSERT INTO used VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                        (use["rid"], use["coupon"], use["store"], at),
                    )

        await self._db.run(work)

    # -- down --

    async def pos(self) -> str:
        """Return the position in the hub's change log."""
        return await self.get("pos") or ""

    async def apply(self, pos: str, changes: Sequence[Change], *, whole: bool = False) -> frozenset[str]:
        """Take a page of changes and its position in one transaction; `whole` replaces everything but the kiosk's own record."""

        def work(db: sqlite3.Connection) -> frozenset[str]:
            touched = set()
            if whole:
                touched |= {r[0] for r in db.execute("SELECT DISTINCT type FROM object")}
                db.execute("DELETE FROM object")
            for change in changes:
                if self._apply(db, change):
                    touched.add(change.type)
            if self._fact(db, "pos") != pos:
                self._put(db, "pos", pos)
            return frozenset(touched)

        touched = await self._db.run(work)
        if touched:
            self.bus.publish(BatchesChanged(types=tuple(sorted(touched))))
        return touched

    @staticmethod
    def _apply(db: sqlite3.Connection, change: Change) -> bool:
        row = db.execute(
            "SELECT rev FROM object WHERE type = ? AND id = ?", (change.type, change.id)
        ).fetchone()
        if row is not None and row["rev"] >= change.rev:
            return False
        if change.op == "del":
            return (
                db.execute("DELETE FROM object WHERE type = ? AND id = ?", (change.type, change.id)).rowcount
                > 0
            )
        db.execute(
            "INSERT INTO object VALUES (?, ?, ?, ?) ON CONFLICT (type, id) DO UPDATE SET rev = excluded.rev, body = excluded.body",
            (change.type, change.id, change.rev, json.dumps(change.body, ensure_ascii=False)),
        )
        return True

    async def _objects(self, kind: str, order: str = "id") -> list[tuple[str, str]]:
        query = f"SELECT id, body FROM object WHERE type = ? ORDER BY {order}"  # noqa: S608  (our own words)
        return await self._db.read(lambda db: [(r["id"], r["body"]) for r in db.execute(query, (kind,))])

    async def _object(self, kind: str, name: str) -> str | None:
        def work(db: sqlite3.Connection) -> str | None:
            row = db.execute("SELECT body FROM object WHERE type = ? AND id = ?", (kind, name)).fetchone()
            return None if row is None else str(row["body"])

        return await self._db.read(work)

    async def merchant(self) -> Merchant | None:
        """Return the merchant."""
        body = await self._object("merchant", "merchant")
        return None if body is None else msgspec.json.decode(body, type=Merchant)

    async def stores(self) -> dict[str, Store]:
        """Return the stores by id."""
        return {i: msgspec.json.decode(body, type=Store) for i, body in await self._objects("store")}

    async def batches(self) -> list[Batch]:
        """Return the batches in the order of their numbers."""
        found = [msgspec.json.decode(body, type=Batch) for _, body in await self._objects("batch")]
        return sorted(found, key=lambda b: b.number)

    async def batch(self, stock_id: str) -> Batch | None:
        """Return a batch."""
        body = await self._object("batch", stock_id)
        return None if body is None else msgspec.json.decode(body, type=Batch)

    async def batch_by_number(self, number: int) -> Batch | None:
        """Return the batch that a signed code names."""
        return next((b for b in await self.batches() if b.number == number), None)

    async def keys(self) -> dict[int, bytes]:
        """Return the public keys of codes by slot."""
        import base64

        found = [json.loads(body) for _, body in await self._objects("key")]
        return {k["slot"]: base64.urlsafe_b64decode(k["public_key"]) for k in found}

    async def code_by_hash(self, digest: str) -> CodeBody | None:
        """Return what a short code's hash stands for."""
        body = await self._object("code", digest)
        return None if body is None else msgspec.json.decode(body, type=CodeBody)

    async def setting(self, name: str) -> str | None:
        """Return a setting of the hub."""
        body = await self._object("setting", name)
        return None if body is None else str(json.loads(body)["value"])

    async def assignment(self) -> Assignment | None:
        """Return where the hub has put this kiosk."""
        found = await self._objects("device")
        return msgspec.json.decode(found[0][1], type=Assignment) if found else None

    # -- for people --

    async def day(self, since: datetime, until: datetime) -> list[DayRow]:
        """Return the figures of each batch between two times."""

        def work(db: sqlite3.Connection) -> list[DayRow]:
            rows = db.execute(
                """SELECT json_extract(body, '$.stock_id') AS stock,
                     sum(kind = 'claim') AS claimed,
                     sum(kind = 'redeem_record' AND NOT EXISTS (SELECT 1 FROM attempt a WHERE a.rid = item.rid AND a.state = 'rolled_back')) AS redeemed,
                     sum(CASE WHEN kind = 'redeem_record' AND NOT EXISTS
                       (SELECT 1 FROM attempt a WHERE a.rid = item.rid AND a.state = 'rolled_back')
                       THEN json_extract(body, '$.value') ELSE 0 END) AS value,
                     sum(kind = 'void') AS void,
                     sum(coalesce(status, '') = 'conflict') AS conflicts
                   FROM item WHERE at >= ? AND at < ? AND kind IN ('claim', 'redeem_record', 'void') AND coalesce(status, '') != 'moved'
                   GROUP BY stock ORDER BY stock""",
                (text(since), text(until)),
            )
            return [
                DayRow(
                    r["stock"] or "", r["claimed"], r["redeemed"], r["value"] or 0, r["void"], r["conflicts"]
                )
                for r in rows
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


def _attempt(row: sqlite3.Row) -> Attempt:
    result = json.loads(row["result"]) if row["result"] else None
    return Attempt(
        row["rid"], row["code_key"], row["coupon"], row["stock_id"], row["state"], row["verdict"], row["reason"], row["value"],
        result, parse(row["at"]),
    )  # fmt: skip


def _job(row: sqlite3.Row) -> JobRow:
    return JobRow(
        row["id"], row["rid"], row["kind"], row["slip"].encode(), row["state"], json.loads(row["detail"]),
        parse(row["at"]), parse(row["changed_at"]),
    )  # fmt: skip


def first_use(use: Use) -> FirstUse:
    """Return a use in the words of a verdict."""
    return FirstUse(use.store, use.at)
