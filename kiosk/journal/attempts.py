"""Redemption in the journal: an attempt is open from `intend` until it is recorded, denied or void (facts: sync-fleet A4)."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from kiosk.coupons.machine import Exposure
from kiosk.journal.core import Core
from kiosk.journal.errors import JournalError
from kiosk.journal.items import parse
from kiosk.journal.rows import Attempt, Busy, Intent, Replaced, Use, Used
from kiosk.journal.undo import undo
from kiosk.journal.voids import is_void


class Attempts(Core):
    """Attempts and the uses that came of them."""

    async def intend(self, intent: Intent) -> None:
        """Guard and make the attempt durable.

        Used when no use is left here, Busy while the same code is under way, Replaced when it was made void.
        """

        def work(db: sqlite3.Connection) -> None:
            if db.execute(
                "SELECT 1 FROM attempt WHERE state = 'open' AND code_key = ?", (intent.code_key,)
            ).fetchone():
                raise Busy
            coupon = intent.coupon or self._coupon_of(db, intent.code_key)
            uses = self._uses(db, coupon)
            if len(uses) >= intent.max_uses:
                raise Used(uses[0])
            if is_void(db, coupon):
                raise Replaced
            db.execute(
                "INSERT INTO attempt (rid, request_no, code_key, coupon, stock_id, state, total, at)"
                " VALUES (?, ?, ?, ?, ?, 'open', ?, ?)",
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

    @staticmethod
    def _coupon_of(db: sqlite3.Connection, code_key: str) -> str:
        """Return the coupon that the hub said a code stands for when it was redeemed here, else the key itself."""
        row = db.execute(
            "SELECT coupon FROM attempt WHERE code_key = ? AND state = 'recorded' LIMIT 1", (code_key,)
        ).fetchone()
        return str(row["coupon"]) if row else code_key

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

        Used when another attempt took the last use meanwhile, under another reading of the same coupon; Replaced when that
        coupon turns out to be void here, which the hub may not know yet.
        """
        coupon = body["coupon"] or code_key

        def work(db: sqlite3.Connection) -> int:
            uses = self._uses(db, coupon)
            if len(uses) >= max_uses:
                raise Used(uses[0])
            if is_void(db, coupon):
                raise Replaced
            seq = self._append(db, "redeem_record", rid, body)
            db.execute("INSERT INTO used VALUES (?, ?, ?, ?)", (rid, coupon, store_name, self._now()))
            changed = db.execute(
                "UPDATE attempt SET state = 'recorded', verdict = ?, coupon = ?, stock_id = ?, value = ?,"
                " threshold = ?, result = ?, seq = ?, lease = ? WHERE rid = ? AND state = 'open'",
                (
                    body["verdict"],
                    coupon,
                    body["stock_id"],
                    value,
                    body["threshold"],
                    json.dumps(result),
                    seq,
                    body.get("lease"),
                    rid,
                ),
            ).rowcount
            if changed != 1:
                raise JournalError("io", f"attempt {rid} is not open.")
            return seq

        return await self._write(work)

    async def void(
        self, rid: str, why: str, *, reason: str = "", result: dict[str, Any] | None = None
    ) -> int:
        """Give an attempt up that nobody honoured: whatever the hub decided for it is undone."""
        return await self._write(lambda db: self._void(db, rid, why, result, reason))

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
        body = {"coupon": row["coupon"], "stock_id": row["stock_id"], "why": why}
        seq = self._append(db, "void", rid, body)
        db.execute(
            "UPDATE attempt SET state = 'void', reason = ?, result = ?, seq = ? WHERE rid = ?",
            (reason, json.dumps(result) if result else None, seq, rid),
        )
        return seq

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
            body = {"coupon": coupon, "stock_id": stock_id, "reason": reason, "by": by}
            seq = self._append(db, "attempt_denied", rid, body)
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
            if not undo(db, of):
                return False
            self._append(db, "rollback", rid, {"of": of, "why": why[:200], "by": by})
            return True

        return await self._write(work)

    async def attempt(self, rid: str) -> Attempt | None:
        """Return an attempt."""
        return await self._one_attempt("rid", rid)

    async def is_deciding(self) -> bool:
        """Tell whether a redemption is under way."""
        query = "SELECT 1 FROM attempt WHERE state = 'open' LIMIT 1"
        return await self._db.read(lambda db: db.execute(query).fetchone() is not None)

    async def attempt_by_request(self, request_no: str) -> Attempt | None:
        """Return the attempt that a till's request number belongs to."""
        return await self._one_attempt("request_no", request_no)

    async def _one_attempt(self, column: str, value: str) -> Attempt | None:
        query = f"SELECT * FROM attempt WHERE {column} = ?"  # noqa: S608  (our own words)

        def work(db: sqlite3.Connection) -> Attempt | None:
            row = db.execute(query, (value,)).fetchone()
            return None if row is None else _attempt(row)

        return await self._db.read(work)

    async def recent(self, limit: int = 50) -> list[Attempt]:
        """Return the newest attempts."""
        query = "SELECT * FROM attempt ORDER BY at DESC LIMIT ?"
        return await self._db.read(lambda db: [_attempt(r) for r in db.execute(query, (limit,))])

    async def exposure(self, stock_id: str) -> Exposure:
        """Return what was honoured offline and has no verdict of the hub yet, in whatever epoch it waits."""
        query = (
            "SELECT count(*), coalesce(sum(value), 0) FROM attempt"
            " WHERE stock_id = ? AND state = 'recorded' AND verdict = 'offline' AND EXISTS"
            " (SELECT 1 FROM item WHERE item.rid = attempt.rid AND kind = 'redeem_record' AND acked_at IS NULL)"
        )

        def work(db: sqlite3.Connection) -> Exposure:
            count, value = db.execute(query, (stock_id,)).fetchone()
            return Exposure(count, value)

        return await self._db.read(work)


def _attempt(row: sqlite3.Row) -> Attempt:
    result = json.loads(row["result"]) if row["result"] else None
    return Attempt(
        row["rid"], row["code_key"], row["coupon"], row["stock_id"], row["state"], row["verdict"], row["reason"], row["value"],
        result, parse(row["at"]),
    )  # fmt: skip
