"""Leases in the journal: granted by the hub, used by attempts, given back (facts: sync-fleet A3)."""

from __future__ import annotations

import json
import sqlite3

import msgspec

from kiosk.coupons.machine import Lease
from kiosk.coupons.record import LeaseBody
from kiosk.journal import revisions
from kiosk.journal.core import Core


class Leases(Core):
    """What this kiosk may honour of `lease` batches without the hub."""

    async def leases(self) -> list[Lease]:
        """Return every lease of the running epoch with what is left of it by this kiosk's own count."""
        return [lease for _, lease in await self.leases_by_batch()]

    async def leases_by_batch(self) -> list[tuple[str, Lease]]:
        """Return the leases of the running epoch, each with its batch."""
        return await self._db.read(
            lambda db: [(body.stock_id, _stands(db, name, body)) for name, body in self._held(db)]
        )

    async def lease(self, stock_id: str, coupon: str | None = None) -> Lease | None:
        """Return the lease to use for a coupon of a batch; without one, that of the batch.

        Of those with something left the one that ends first, else the last one.
        """
        found = await self._db.read(
            lambda db: [
                _stands(db, name, body)
                for name, body in self._held(db)
                if body.stock_id == stock_id and (coupon is None or _holds(body, coupon))
            ]
        )
        return min(found, key=lambda lease: (lease.left <= 0, lease.not_after), default=None)

    def _held(self, db: sqlite3.Connection) -> list[tuple[str, LeaseBody]]:
        """Return the leases of the running epoch that were not given back: a snapshot may bring such a one once more."""
        epoch = self._fact(db, "epoch")
        rows = db.execute(
            "SELECT id, body FROM object WHERE type = 'lease' AND NOT EXISTS"
            " (SELECT 1 FROM item WHERE item.rid = object.id AND item.kind = 'lease_use') ORDER BY id"
        ).fetchall()
        bodies = [(str(row["id"]), msgspec.json.decode(row["body"], type=LeaseBody)) for row in rows]
        return [(name, body) for name, body in bodies if body.epoch == epoch]

    async def give_back(self, lease: str) -> bool:
        """Give the rest of a lease back: nothing is honoured from it any more; False when it is not held."""

        def work(db: sqlite3.Connection) -> bool:
            row = db.execute(
                "SELECT rev, body FROM object WHERE type = 'lease' AND id = ?", (lease,)
            ).fetchone()
            if row is None:
                return False
            body = msgspec.json.decode(row["body"], type=LeaseBody)
            used, value = _used(db, lease)
            db.execute("DELETE FROM object WHERE type = 'lease' AND id = ?", (lease,))
            revisions.shift(db, -row["rev"])
            told = {"lease": lease, "stock_id": body.stock_id, "used": used, "value": value, "returned": True}
            self._append(db, "lease_use", lease, told)
            return True

        return await self._write(work)


def _holds(body: LeaseBody, coupon: str) -> bool:
    return body.coupons is None or coupon in body.coupons


def _used(db: sqlite3.Connection, lease: str) -> tuple[int, int]:
    """Return uses and their value in fen that came from a lease; what was rolled back is free again."""
    count, value = db.execute(
        "SELECT count(*), coalesce(sum(value), 0) FROM attempt WHERE lease = ? AND state = 'recorded'",
        (lease,),
    ).fetchone()
    return int(count), int(value)


def _room(db: sqlite3.Connection, body: LeaseBody) -> int:
    """Return the uses that its coupons have left here: a lease may name some that were used here while it was on its way."""
    if body.coupons is None:
        return body.amount
    told = db.execute(
        "SELECT json_extract(body, '$.max_uses') FROM object WHERE type = 'batch' AND id = ?",
        (body.stock_id,),
    ).fetchone()
    uses = 1 if told is None else int(told[0] or 1)
    query = (
        "SELECT coalesce(sum(max(0, ? - (SELECT count(*) FROM used WHERE coupon = named.value))), 0)"
        " FROM json_each(?) AS named"
    )
    return int(db.execute(query, (uses, json.dumps(body.coupons))).fetchone()[0])


def _stands(db: sqlite3.Connection, name: str, body: LeaseBody) -> Lease:
    used, value = _used(db, name)
    left = min(body.amount - used, _room(db, body))
    value_left = None if body.value is None else body.value - value
    return Lease(name, body.amount, left, body.begins, body.not_after, body.epoch, value_left)
