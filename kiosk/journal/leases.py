"""Leases in the journal: granted by the hub, used by attempts, given back (facts: sync-fleet A3)."""

from __future__ import annotations

import sqlite3

import msgspec

from kiosk.coupons.machine import Lease
from kiosk.coupons.record import LeaseBody
from kiosk.journal.core import Core


class Leases(Core):
    """What this kiosk may honour of `lease` batches without the hub."""

    async def leases(self) -> list[Lease]:
        """Return every lease of the running epoch with what is left of it by this kiosk's own count."""
        return await self._db.read(lambda db: [lease for _, lease in self._leases(db)])

    async def lease(self, stock_id: str) -> Lease | None:
        """Return the lease to use for a batch: of those with something left the one that ends first, else the last one."""
        found = await self._db.read(
            lambda db: [lease for stock, lease in self._leases(db) if stock == stock_id]
        )
        return min(found, key=lambda lease: (lease.left <= 0, lease.not_after), default=None)

    def _leases(self, db: sqlite3.Connection) -> list[tuple[str, Lease]]:
        epoch = self._fact(db, "epoch")
        rows = db.execute("SELECT id, body FROM object WHERE type = 'lease' ORDER BY id").fetchall()
        bodies = [(row["id"], msgspec.json.decode(row["body"], type=LeaseBody)) for row in rows]
        return [(body.stock_id, _stands(db, name, body)) for name, body in bodies if body.epoch == epoch]

    async def give_back(self, lease: str) -> bool:
        """Give the rest of a lease back: nothing is honoured from it any more; False when it is not held."""

        def work(db: sqlite3.Connection) -> bool:
            row = db.execute("SELECT body FROM object WHERE type = 'lease' AND id = ?", (lease,)).fetchone()
            if row is None:
                return False
            body = msgspec.json.decode(row["body"], type=LeaseBody)
            used, value = _used(db, lease)
            db.execute("DELETE FROM object WHERE type = 'lease' AND id = ?", (lease,))
            told = {"lease": lease, "stock_id": body.stock_id, "used": used, "value": value, "returned": True}
            self._append(db, "lease_use", lease, told)
            return True

        return await self._write(work)


def _used(db: sqlite3.Connection, lease: str) -> tuple[int, int]:
    """Return uses and their value in fen that came from a lease; what was rolled back is free again."""
    count, value = db.execute(
        "SELECT count(*), coalesce(sum(value), 0) FROM attempt WHERE lease = ? AND state = 'recorded'",
        (lease,),
    ).fetchone()
    return int(count), int(value)


def _stands(db: sqlite3.Connection, name: str, body: LeaseBody) -> Lease:
    used, value = _used(db, name)
    value_left = None if body.value is None else body.value - value
    return Lease(name, body.amount, body.amount - used, body.begins, body.not_after, body.epoch, value_left)
