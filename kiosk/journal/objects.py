"""What came down from the hub: merchant, stores, batches, keys, codes, leases, settings (facts: sync-fleet A6)."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

from kiosk.coupons.batch import Batch, Merchant, Store
from kiosk.coupons.ids import new_rid
from kiosk.coupons.record import Change, CodeBody
from kiosk.events import BatchesChanged, JournalGrew
from kiosk.journal import revisions
from kiosk.journal.core import Core
from kiosk.journal.elsewhere import database_of, moved, set_apart
from kiosk.journal.pool import forget_pool
from kiosk.journal.rows import Assignment
from kiosk.journal.undo import forget_learned, undo_told


class Objects(Core):
    """The newest state of each object, taken page by page with the position in the hub's change log."""

    async def pos(self) -> str:
        """Return the position in the hub's change log."""
        return await self.get("pos") or ""

    async def apply(self, pos: str, changes: Sequence[Change], *, whole: bool = False) -> frozenset[str]:
        """Take a page of changes and its position in one transaction; `whole` replaces everything but the kiosk's own record."""
        fresh = ""

        def work(db: sqlite3.Connection) -> frozenset[str]:
            nonlocal fresh
            touched, grown = set(), 0
            if whole:
                touched |= {r[0] for r in db.execute("SELECT DISTINCT type FROM object")}
                grown -= int(db.execute(revisions.SUM).fetchone()[0])
                db.execute("DELETE FROM object")
                old = self._fact(db, "database") or database_of(self._fact(db, "pos") or "")
                if moved(old, database_of(pos)):
                    forget_pool(db)
                    fresh = set_apart(db, self._now())
            for change in changes:
                if by := self._apply(db, change):
                    touched.add(change.type)
                    grown += by
                if change.type == "rollback" and change.op == "put" and change.body is not None:
                    self._undo(db, change.body)
            if grown:
                revisions.shift(db, grown)
            if self._fact(db, "pos") != pos:
                self._put(db, "pos", pos)
            if (hub := database_of(pos)) and self._fact(db, "database") != hub:
                self._put(db, "database", hub)
            return frozenset(touched)

        touched = await self._db.run(work)
        self.epoch = fresh or self.epoch
        if "rollback" in touched:
            self.bus.publish(JournalGrew())
        if touched:
            self.bus.publish(BatchesChanged(types=tuple(sorted(touched))))
        return touched

    @staticmethod
    def _apply(db: sqlite3.Connection, change: Change) -> int:
        """Take a change; return by how much the sum of the revisions grows, 0 when nothing changes."""
        row = db.execute(
            "SELECT rev FROM object WHERE type = ? AND id = ?", (change.type, change.id)
        ).fetchone()
        old = 0 if row is None else int(row["rev"])
        if old >= change.rev:
            return 0
        if change.op == "del":
            db.execute("DELETE FROM object WHERE type = ? AND id = ?", (change.type, change.id))
            return -old
        db.execute(
            "INSERT INTO object VALUES (?, ?, ?, ?)"
            " ON CONFLICT (type, id) DO UPDATE SET rev = excluded.rev, body = excluded.body",
            (change.type, change.id, change.rev, json.dumps(change.body, ensure_ascii=False)),
        )
        return change.rev - old

    def _undo(self, db: sqlite3.Connection, said: dict[str, Any]) -> None:
        """Undo what was undone at the hub; only the first time, so that a page or a snapshot may come again.

        `learned`: what was given up there was an approval that no kiosk recorded; a record here is the better witness.
        """
        if said.get("learned"):
            forget_learned(db, said["of"])
        elif undo_told(db, said["of"]):
            told = {"of": said["of"], "why": said.get("why", ""), "by": f"hub: {said.get('by', '')}"}
            self._append(db, "rollback", new_rid(), told)

    async def _objects(self, kind: str) -> list[tuple[str, str]]:
        query = "SELECT id, body FROM object WHERE type = ? ORDER BY id"
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
        found = [json.loads(body) for _, body in await self._objects("key")]
        return {k["slot"]: base64.urlsafe_b64decode(k["public_key"]) for k in found}

    async def code_by_hash(self, digest: str) -> CodeBody | None:
        """Return what a short code's hash stands for."""
        body = await self._object("code", digest)
        return None if body is None else msgspec.json.decode(body, type=CodeBody)

    async def is_home_of(self, coupon: str, device: str) -> bool:
        """Tell whether a coupon is bound to this kiosk: of its own pool, or said so by the hub.

        A store's home kiosk is not enough: it reads the good signatures of slips whose home is another kiosk.
        """

        def work(db: sqlite3.Connection) -> bool:
            if db.execute("SELECT 1 FROM pool WHERE coupon = ?", (coupon,)).fetchone():
                return True
            told = (
                "SELECT 1 FROM object WHERE type = 'code' AND json_extract(body, '$.coupon') = ?"
                " AND json_extract(body, '$.home') = ?"
            )
            return db.execute(told, (coupon, device)).fetchone() is not None

        return await self._db.read(work)

    async def setting(self, name: str) -> str | None:
        """Return a setting of the hub."""
        body = await self._object("setting", name)
        return None if body is None else str(json.loads(body)["value"])

    async def assignment(self) -> Assignment | None:
        """Return where the hub has put this kiosk."""
        found = await self._objects("device")
        return msgspec.json.decode(found[0][1], type=Assignment) if found else None
