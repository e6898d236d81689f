"""Leases: uses of `lease` batches that one kiosk may honour without the hub (facts: sync-fleet A3).

A lease reserves coupons by name, all their uses, for one device and one epoch of its journal. A quota of *any* coupon of the
batch would bound the total only: two kiosks apart could honour the same code. What is reserved goes back

| when                                   | how                                                                  |
| its kiosk says so in its journal       | at once: the item stands behind the records of all its uses          |
| it is renewed                          | what is left of its coupons goes over to the next lease              |
| its epoch or its kiosk has ended       | `MARGIN` after its end: nothing that can still be believed will come |

and never merely because its time is over: a kiosk that is still apart may have honoured them, and would tell only later.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from hub.errors import HubError, Refused
from hub.schema import attempts, audit, coupons, devices, epochs, leases, stores
from hub.store import feed
from hub.store.catalog import Catalog
from hub.store.counts import Counting
from hub.store.homes import keeps_rights, may_use, shut_out
from hub.store.prepared import Prepared, spelt, stamp
from hub.store.uses import take_use
from kiosk.coupons.batch import Batch
from kiosk.coupons.record import LeaseBody
from kiosk.sync.protocol import LeaseAsk, Leased

QUOTA, QUOTA_MAX = 20, 1000
"""Uses of a lease where the batch names no quota, and at most: each coupon has its name in the lease, about 12 bytes."""
TERM = timedelta(hours=24)
"""How long a lease holds where the batch has no `offline.max_age_s`."""
MARGIN = timedelta(hours=1)
"""What clocks may be off, and what is under way: a kiosk counts its own error against itself already."""
Coupon = tuple[int, int]
"""Number of the batch and serial."""


def _of(name: str) -> Any:
    return sa.bindparam(f"of_{name}")


# A fleet asks for leases once a minute where there is nothing to grant: compiled once, that takes a third of the time.
_SAME = Prepared(
    sa.select(leases.c.device, leases.c.stock_id, leases.c.amount, leases.c.state)
    .where(leases.c.tenant == _of("tenant"), leases.c.id == _of("lease"))
    .with_for_update()
)
_STANDS = Prepared(
    sa.select(epochs.c.epoch, devices.c.twin_at.is_(None))
    .outerjoin(devices, sa.and_(devices.c.tenant == epochs.c.tenant, devices.c.id == epochs.c.device))
    .where(epochs.c.tenant == _of("tenant"), epochs.c.device == _of("device"))
    .order_by(epochs.c.opened_at.desc())
    .limit(1)
)
_HELD = Prepared(
    sa.select(leases.c.id)
    .where(
        leases.c.tenant == _of("tenant"),
        leases.c.device == _of("device"),
        leases.c.state == "held",
        leases.c.stock_id == _of("stock"),
    )
    .with_for_update()
)
_OVER = Prepared(
    sa.select(leases.c.id, leases.c.device)
    .where(
        leases.c.tenant == _of("tenant"), leases.c.state == spelt("ending"), leases.c.not_after < _of("end")
    )
    .where(sa.or_(_of("stock") == "", leases.c.stock_id == _of("stock")))
    .order_by(leases.c.id)
    .with_for_update()
)
_COUPONS = sa.select(coupons.c.serial, coupons.c.max_uses - coupons.c.uses).where(
    coupons.c.tenant == _of("tenant"), coupons.c.batch == _of("batch")
)
_FRESH = {
    here: Prepared(
        _COUPONS.where(
            coupons.c.leased_to.is_(None), coupons.c.uses == spelt(0), coupons.c.state == spelt("live")
        )
        .where(coupons.c.store == _of("store") if here else coupons.c.store.is_(None))
        .order_by(coupons.c.serial)
        .limit(sa.bindparam("most", type_=sa.Integer))
        .with_for_update(skip_locked=True)
    )
    for here in (True, False)
}
"""Coupons that were never used, claimed at a store or nowhere. Two kiosks that ask at once pass over what the other one is taking."""


class Use(msgspec.Struct, frozen=True):
    """A use that came from a lease, as its kiosk tells it."""

    lease: str
    rid: str
    value: int
    at: datetime


class Leases:
    """The leases of one tenant."""

    def __init__(self, catalog: Catalog, counts: Counting | None = None) -> None:
        self.catalog, self.tenant = catalog, catalog.tenant
        self._counts: Counting = counts or catalog

    def _lease(self, name: str) -> tuple[sa.ColumnElement[bool], ...]:
        return leases.c.tenant == self.tenant, leases.c.id == name

    def _coupons(self, name: str) -> tuple[sa.ColumnElement[bool], ...]:
        return coupons.c.tenant == self.tenant, coupons.c.lease == name

    def get(self, c: sa.Connection, name: str) -> Any:
        """Return a lease's row, held to the end of the transaction; None when there is none."""
        return c.execute(sa.select(leases).where(*self._lease(name)).with_for_update()).first()

    def all(self, c: sa.Connection) -> list[Any]:
        """Return the leases that hold something, the oldest first, with the name of their kiosk."""
        query = (
            sa.select(leases, devices.c.name, devices.c.store)
            .outerjoin(devices, sa.and_(devices.c.tenant == leases.c.tenant, devices.c.id == leases.c.device))
            .where(leases.c.tenant == self.tenant, leases.c.state.in_(("held", "ending")))
            .order_by(leases.c.begins, leases.c.id)
        )
        return list(c.execute(query))

    # -- grant and renew --

    def grant(self, c: sa.Connection, device: str, store: str, ask: LeaseAsk, now: datetime) -> Leased:
        """Reserve coupons for a device and let its feed bring the lease; the same `rid` grants once."""
        known = _SAME.run(c, of_tenant=self.tenant, of_lease=ask.rid).fetchone()
        if known is not None:
            same = tuple(known[:2]) == (device, ask.stock_id)
            return Leased(ask.stock_id, int(known[2]) if same and known[3] == "held" else 0, now)
        batch = self.catalog.batch(c, ask.stock_id, store)
        if batch is None or batch.offline.policy != "lease":
            raise Refused("unknown_batch", f"{ask.stock_id[:32]} is not a batch with leases.", 404)
        if not keeps_rights(c, self.tenant, device):
            raise shut_out()
        stands = _STANDS.run(c, of_tenant=self.tenant, of_device=device).fetchone()
        apart = stands is None or stands[0] != ask.epoch or not stands[1]
        if apart or not _open(batch, store, now):
            return Leased(batch.stock_id, 0, now)
        self.lapse(c, now, batch.stock_id)
        before = self._held(c, device, batch.stock_id)
        found = self._pick(c, device, store, batch, before)
        amount = sum(left for _, left in found)
        if amount:
            self._give(c, device, batch, ask, now, before, [name for name, _ in found], amount)
        return Leased(batch.stock_id, amount, now)

    def _held(self, c: sa.Connection, device: str, stock_id: str) -> list[str]:
        rows = _HELD.run(c, of_tenant=self.tenant, of_device=device, of_stock=stock_id)
        return [str(row[0]) for row in rows.fetchall()]

    def _pick(
        self, c: sa.Connection, device: str, store: str, batch: Batch, before: list[str]
    ) -> list[tuple[Coupon, int]]:
        """Return coupons up to the quota with the uses left: those still held, claimed at this store, claimed nowhere.

        A coupon that was used elsewhere is never reserved: its kiosk knows its own uses only.
        """
        room = min(batch.offline.quota or QUOTA, QUOTA_MAX)
        found = self._left(c, device, batch, before) if before else []
        for most in _FRESH.values():
            want = (room - sum(left for _, left in found)) // batch.max_uses
            if want > 0:
                of = {"of_tenant": self.tenant, "of_batch": batch.number, "most": want}
                rows = most.run(c, **of, of_store=store).fetchall()
                found += [((batch.number, int(serial)), int(left)) for serial, left in rows]
        return found

    def _left(
        self, c: sa.Connection, device: str, batch: Batch, before: list[str]
    ) -> list[tuple[Coupon, int]]:
        """Return what is left of leases, however small the quota is by now: the kiosk may have honoured any of it, and not told yet."""
        query = (
            _COUPONS.where(coupons.c.leased_to == device, coupons.c.lease.in_(before))
            .where(coupons.c.uses < coupons.c.max_uses, coupons.c.state != "void")
            .order_by(coupons.c.serial)
            .with_for_update()
        )
        rows = c.execute(query, {"of_tenant": self.tenant, "of_batch": batch.number})
        return [((batch.number, serial), left) for serial, left in rows]

    def _give(
        self,
        c: sa.Connection,
        device: str,
        batch: Batch,
        ask: LeaseAsk,
        now: datetime,
        before: list[str],
        names: list[Coupon],
        amount: int,
    ) -> None:
        rule = batch.offline
        term = TERM if rule.max_age_s is None else timedelta(seconds=rule.max_age_s)
        values = {
            "device": device, "stock_id": batch.stock_id, "epoch": ask.epoch, "amount": amount, "value": rule.value,
            "begins": now, "not_after": min(now + term, batch.ends), "state": "held", "used": 0, "used_value": 0,
        }  # fmt: skip
        c.execute(sa.insert(leases).values(tenant=self.tenant, id=ask.rid, **values))
        self._reserve(c, ask.rid, device, names)
        for old in before:
            self._end(c, old, device, "renewed")
            self.free(c, old, now)
        self.tell(c, ask.rid)
        told = {"lease": ask.rid, "stock_id": batch.stock_id, "amount": amount, "renews": before}
        self.note(c, device, "lease_granted", told, now)

    def _reserve(self, c: sa.Connection, name: str, device: str, names: list[Coupon]) -> None:
        for number in {number for number, _ in names}:
            serials = [serial for of, serial in names if of == number]
            where = (
                coupons.c.tenant == self.tenant,
                coupons.c.batch == number,
                coupons.c.serial.in_(serials),
            )
            c.execute(sa.update(coupons).where(*where).values(lease=name, leased_to=device))

    def tell(self, c: sa.Connection, name: str) -> None:
        """Put a lease into its device's feed as it is now."""
        row = c.execute(sa.select(leases).where(*self._lease(name))).one()
        held = (
            sa.select(coupons.c.batch, coupons.c.serial)
            .where(*self._coupons(name))
            .order_by(coupons.c.batch, coupons.c.serial)
        )
        names = tuple(f"{number}-{serial}" for number, serial in c.execute(held))
        body = LeaseBody(row.stock_id, row.amount, row.begins, row.not_after, row.epoch, row.value, names)
        feed.put(c, self.tenant, "lease", name, body, row.device)

    def join(self, c: sa.Connection, batch: Batch, coupon: str, store: str, now: datetime) -> None:
        """Put a coupon that was just claimed at a store into a lease of a kiosk there that runs, while the quota has room.

        Held on PostgreSQL: a lease that is being renewed, or ended, takes none any more; its coupons are counted already. Nor does
        one whose kiosk's journal is being taken: who claims has the batch, which that upload will wait for with the lease in hand.
        """
        if batch.offline.policy != "lease":
            return
        room = min(batch.offline.quota or QUOTA, QUOTA_MAX) - batch.max_uses
        query = (
            sa.select(leases.c.id, leases.c.device)
            .join(devices, sa.and_(devices.c.tenant == leases.c.tenant, devices.c.id == leases.c.device))
            .outerjoin(stores, sa.and_(stores.c.tenant == devices.c.tenant, stores.c.id == devices.c.store))
            .where(leases.c.tenant == self.tenant, leases.c.stock_id == batch.stock_id)
            .where(leases.c.state == spelt("held"), leases.c.not_after > now)
            .where(leases.c.amount <= room, devices.c.store == store)
            .order_by(sa.func.coalesce(stores.c.home_device == devices.c.id, False).desc(), leases.c.begins)
            .limit(1)
            .with_for_update(of=leases, skip_locked=True)
        )
        row = c.execute(query).first()
        if row is None:
            return
        number, _, serial = coupon.partition("-")
        self._reserve(c, row.id, row.device, [(int(number), int(serial))])
        more = {"amount": leases.c.amount + batch.max_uses}
        c.execute(sa.update(leases).where(*self._lease(row.id)).values(**more))
        self.tell(c, row.id)

    # -- return and expiry --

    def returned(self, c: sa.Connection, device: str, name: str, now: datetime) -> Iterable[Coupon] | None:
        """Take the rest of a lease back and return the coupons that are free again; None when it is not this device's."""
        row = self.get(c, name)
        if row is None or row.device != device:
            return None
        freed = self.free(c, name, now)
        if row.state in ("held", "ending"):
            self._end(c, name, device, "returned")
            told = {"lease": name, "stock_id": row.stock_id, "used": row.used, "free": len(freed)}
            self.note(c, device, "lease_returned", told, now)
        return freed

    def free(self, c: sa.Connection, name: str, now: datetime) -> list[Coupon]:
        """Let every kiosk redeem again what a lease still reserves."""
        free = (
            sa.update(coupons)
            .where(*self._coupons(name))
            .values(lease=None, leased_to=None)
            .returning(coupons.c.batch, coupons.c.serial)
        )
        freed = sorted((number, serial) for number, serial in c.execute(free))
        for number, serial in freed:
            self._promote(c, f"{number}-{serial}", now)
        return freed

    def _promote(self, c: sa.Connection, coupon: str, now: datetime) -> None:
        """Give uses that are free now to redemptions in conflict, the oldest first."""
        waiting = (
            sa.select(attempts.c.rid, attempts.c.device, attempts.c.stock_id)
            .where(attempts.c.tenant == self.tenant, attempts.c.coupon == coupon)
            .where(attempts.c.state == "conflict")
            .order_by(attempts.c.order, attempts.c.rid)
        )
        for row in c.execute(waiting).all():
            if not may_use(c, self.tenant, coupon, row.device):
                continue
            if not take_use(c, self.tenant, coupon, row.device):
                return
            mine = (attempts.c.tenant == self.tenant, attempts.c.rid == row.rid)
            c.execute(sa.update(attempts).where(*mine).values(state="recorded"))
            self._counts.count(c, row.stock_id, redeemed=1)
            self.note(c, row.device, "conflict_resolved", {"rid": row.rid, "by": "lease"}, now)

    def _end(self, c: sa.Connection, name: str, device: str, state: str) -> None:
        c.execute(sa.update(leases).where(*self._lease(name)).values(state=state))
        feed.drop(c, self.tenant, "lease", name, device)

    def ending(self, c: sa.Connection, device: str, why: str, now: datetime) -> None:
        """End a device's leases whose rest nobody will give back: its epoch has ended, or it was shut out."""
        where = (leases.c.tenant == self.tenant, leases.c.device == device, leases.c.state == "held")
        for name in c.execute(sa.select(leases.c.id).where(*where).with_for_update()).scalars().all():
            self._end(c, name, device, "ending")
            self.note(c, device, "lease_ending", {"lease": name, "why": why}, now)

    def lapse(self, c: sa.Connection, now: datetime, stock_id: str | None = None) -> None:
        """Free what ended leases hold whose time is over for certain."""
        of = {"of_tenant": self.tenant, "of_end": stamp(c, now - MARGIN), "of_stock": stock_id or ""}
        for name, device in _OVER.run(c, **of).fetchall():
            freed = self.free(c, name, now)
            self._end(c, name, device, "lapsed")
            self.note(c, device, "lease_lapsed", {"lease": name, "free": len(freed)}, now)

    def release(self, c: sa.Connection, name: str, by: str, now: datetime) -> int:
        """Free a lease by hand, though its kiosk may have honoured coupons of it; return how many are free."""
        row = self.get(c, name)
        if row is None or row.state not in ("held", "ending"):
            raise HubError(
                f"there is no lease {name} that holds anything; `kiosk-hub lease list` names them.", 1
            )
        freed = self.free(c, name, now)
        self._end(c, name, row.device, "released")
        told = {"lease": name, "device": row.device, "stock_id": row.stock_id, "free": len(freed)}
        self.note(c, by, "lease_released", told, now)
        return len(freed)

    # -- accounts --

    def account(self, c: sa.Connection, device: str, use: Use, now: datetime) -> None:
        """Count a use that a kiosk says came from a lease; what the lease did not allow is noted."""
        row = self.get(c, use.lease)
        if row is None or row.device != device:
            self._breach(c, device, use, "not this kiosk's", now)
            return
        more = {"used": row.used + 1, "used_value": row.used_value + use.value}
        c.execute(sa.update(leases).where(*self._lease(use.lease)).values(**more))
        over = row.value is not None and more["used_value"] > row.value
        if why := "amount" if more["used"] > row.amount else "value" if over else "":
            self._breach(c, device, use, why, now)
        if use.at > row.not_after:
            self._breach(c, device, use, "time", now)

    def _breach(self, c: sa.Connection, device: str, use: Use, why: str, now: datetime) -> None:
        self.note(c, device, "lease_breach", {"lease": use.lease, "rid": use.rid, "why": why}, now)

    def uncount(self, c: sa.Connection, name: str, value: int) -> None:
        """Take a use that was rolled back out of the account."""
        less = {"used": leases.c.used - 1, "used_value": leases.c.used_value - value}
        c.execute(sa.update(leases).where(*self._lease(name), leases.c.used > 0).values(**less))

    def note(self, c: sa.Connection, actor: str, what: str, detail: dict[str, Any], now: datetime) -> None:
        """Write into the audit."""
        c.execute(sa.insert(audit).values(tenant=self.tenant, at=now, actor=actor, what=what, detail=detail))


def _open(batch: Batch, store: str, now: datetime) -> bool:
    """Tell whether a batch can be redeemed at a store at all."""
    here = batch.stores is None or store in batch.stores
    return here and batch.status == "running" and batch.begins <= now <= batch.ends
