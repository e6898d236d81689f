"""Coupons: issued for the pool of a kiosk, for a customer, or for a list."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from hub.errors import HubError, Refused
from hub.schema import batches, coupons, devices
from hub.store import feed
from hub.store.catalog import Catalog
from kiosk.coupons.batch import Batch
from kiosk.coupons.code import code_hash, new_short, sign
from kiosk.sync.protocol import CodeBody, PoolCode

PURPOSE = "short code"


class Issued(msgspec.Struct, frozen=True):
    """A coupon with what stands for it."""

    coupon: str
    stock_id: str
    code: str
    short: str
    uses: int
    max_uses: int
    state: str


class Held(msgspec.Struct, frozen=True):
    """A coupon of a customer, without its codes: to sign one takes a millisecond, and a list shows none."""

    coupon: str
    stock_id: str
    uses: int
    max_uses: int
    state: str

    @property
    def good(self) -> bool:
        """Tell whether a use is left."""
        return self.state == "live" and self.uses < self.max_uses


class Coupons:
    """The coupons of one tenant."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog, self.tenant = catalog, catalog.tenant

    def _lock(self, c: sa.Connection, stock_id: str) -> int | None:
        """Hold a batch to the end of the transaction, so that stock and limits are judged one after the other.

        Returns how many coupons were issued; None when there is no such batch.
        """
        where = (batches.c.tenant == self.tenant, batches.c.stock_id == stock_id)
        return c.execute(sa.select(batches.c.issued).where(*where).with_for_update()).scalar()

    def issue(self, c: sa.Connection, batch: Batch, count: int, now: datetime, **extra: Any) -> list[Issued]:
        """Make `count` coupons of a batch, fewer when the stock runs out."""
        issued = self._lock(c, batch.stock_id) or 0
        if batch.stock is not None:
            count = max(0, min(count, batch.stock - issued))
        key = self.catalog.code_key(c)
        slot, _ = self.catalog.signing_key(c)
        made = []
        for serial in range(issued + 1, issued + count + 1):
            short = new_short()
            row = {
                "tenant": self.tenant,
                "batch": batch.number,
                "serial": serial,
                "stock_id": batch.stock_id,
                "slot": slot,
                "short_hash": code_hash(key, short),
                "short": self.catalog.vault.seal(short.encode(), PURPOSE),
                "claimant": None,
                "form": None,
                "home_device": None,
                "pool_rid": None,
                "state": "live",
                "uses": 0,
                "max_uses": batch.max_uses,
                "issued_at": now,
                **extra,
            }
            made.append(row)
        if made:
            c.execute(sa.insert(coupons), made)
            where = (batches.c.tenant == self.tenant, batches.c.stock_id == batch.stock_id)
            c.execute(sa.update(batches).where(*where).values(issued=batches.c.issued + count))
            self._tell(c, batch, made)
        return [self._shown(c, batch, row) for row in made]

    def _tell(self, c: sa.Connection, batch: Batch, rows: list[dict[str, Any]]) -> None:
        """Let kiosks know the short codes that they may have to judge alone; the home's pool brings its own."""
        if batch.offline.policy == "never":
            return
        told = [
            (
                row["short_hash"],
                CodeBody(row["short_hash"], batch.stock_id, f"{row['batch']}-{row['serial']}", home),
                home,
            )
            for row, home in ((row, row["home_device"] or "") for row in rows)
        ]
        feed.put_new(c, self.tenant, "code", told)

    def _shown(self, c: sa.Connection, batch: Batch, row: dict[str, Any]) -> Issued:
        private = self.catalog.private_key(c, row["slot"])
        code = sign(
            private, slot=row["slot"], batch=row["batch"], serial=row["serial"], not_after=batch.ends.date()
        )
        short = self.catalog.vault.open(row["short"], PURPOSE).decode()
        coupon = f"{row['batch']}-{row['serial']}"
        return Issued(coupon, batch.stock_id, code, short, row["uses"], row["max_uses"], row["state"])

    # -- for kiosks --

    def pool(
        self, c: sa.Connection, device: str, stock_id: str, rid: str, count: int, now: datetime
    ) -> tuple[PoolCode, ...]:
        """Return slip codes bound to a device; the same `rid` gets the same ones."""
        self._lock(c, stock_id)
        batch = self.catalog.batch(c, stock_id)
        if batch is None or batch.product != "slip_coupon":
            raise Refused("unknown_batch", f"{stock_id} is not a batch of slip coupons.", 404)
        known = self._where(
            c,
            coupons.c.pool_rid == rid,
            coupons.c.home_device == device,
            coupons.c.stock_id == stock_id,
        )
        if known:
            made = [self._shown(c, batch, row) for row in known]
        elif batch.status != "running":
            return ()
        else:
            made = self.issue(c, batch, count, now, home_device=device, pool_rid=rid)
        return tuple(PoolCode(i.coupon, i.code, i.short) for i in made)

    def _where(self, c: sa.Connection, *where: sa.ColumnElement[bool]) -> list[dict[str, Any]]:
        rows = c.execute(
            sa.select(coupons).where(coupons.c.tenant == self.tenant, *where).order_by(coupons.c.serial)
        )
        return [dict(r._mapping) for r in rows]

    # -- for customers --

    def held(self, c: sa.Connection, claimant: str) -> list[Held]:
        """Return the coupons that a customer has claimed."""
        return [
            Held(f"{r['batch']}-{r['serial']}", r["stock_id"], r["uses"], r["max_uses"], r["state"])
            for r in self._where(c, coupons.c.claimant == claimant)
        ]

    def show(self, c: sa.Connection, claimant: str, coupon: str) -> Issued | None:
        """Return a coupon of a customer with its codes."""
        number, _, serial = coupon.partition("-")
        if not (number.isascii() and number.isdigit() and serial.isascii() and serial.isdigit()):
            return None
        if len(number) > 10 or len(serial) > 10:
            return None
        where = (coupons.c.batch == int(number), coupons.c.serial == int(serial))
        rows = self._where(c, coupons.c.claimant == claimant, *where)
        batch = self.catalog.by_number(c, int(number)) if rows else None
        return None if batch is None else self._shown(c, batch, rows[0])

    def claim(
        self, c: sa.Connection, claimant: str, stock_id: str, store: str, form: str | None, now: datetime
    ) -> str:
        """Give a customer a coupon and return its identity; the same form gives the same one: a double click claims once.

        A page has one form for all its batches, so what stands for a click is form and batch together.
        """
        self._lock(c, stock_id)
        mark = None if form is None else hashlib.sha256(f"{form} {stock_id}".encode()).hexdigest()
        if mark is not None:
            same = self._where(c, coupons.c.form == mark, coupons.c.claimant == claimant)
            if same:
                return f"{same[0]['batch']}-{same[0]['serial']}"
        batch = self.catalog.batch(c, stock_id, store)
        reason = self._why_not(c, batch, claimant, store, now)
        if reason or batch is None:
            raise Refused(reason or "unknown_batch", reason, 409)
        made = self.issue(c, batch, 1, now, claimant=claimant, form=mark)
        if not made:
            raise Refused("sold_out", "sold_out", 409)
        self.catalog.count(c, stock_id, claimed=1)
        return made[0].coupon

    def _why_not(
        self, c: sa.Connection, batch: Batch | None, claimant: str, store: str, now: datetime
    ) -> str:
        if batch is None or batch.product != "merchant_coupon":
            return "unknown_batch"
        if batch.stores is not None and store not in batch.stores:
            return "unknown_batch"
        if batch.status != "running":
            return batch.status
        if now < batch.begins:
            return "not_started"
        if now > batch.ends:
            return "ended"
        if batch.left == 0:
            return "sold_out"
        held = self._where(c, coupons.c.claimant == claimant, coupons.c.stock_id == batch.stock_id)
        return "limit" if batch.per_user is not None and len(held) >= batch.per_user else ""

    # -- for a list --

    def list_out(
        self, c: sa.Connection, stock_id: str, count: int, openid: str | None, now: datetime
    ) -> list[Issued]:
        """Issue codes by hand, all of them or none: slip coupons for print, or coupons of a stand-in customer."""
        issued = self._lock(c, stock_id)
        batch = self.catalog.batch(c, stock_id)
        if batch is None or issued is None:
            raise HubError(f"there is no batch {stock_id}; `kiosk-hub batch list` names them.", 1)
        if batch.product == "cash_voucher":
            raise HubError(
                f"{stock_id} is a cash voucher: WeChat gives and deducts those, it has no codes.", 1
            )
        if batch.status == "ended" or now > batch.ends:
            raise HubError(f"{stock_id} has ended; nothing is issued of it any more.", 1)
        left = None if batch.stock is None else max(0, batch.stock - issued)
        if left is not None and left < count:
            raise HubError(
                f"{stock_id} has stock for {left} more coupons, not {count}; none was issued, ask for fewer or raise `stock`.",
                4,
            )
        extra = {} if batch.product != "slip_coupon" else self._only_kiosk(c)
        made = self.issue(c, batch, count, now, claimant=openid, **extra)
        self.catalog.count(c, stock_id, claimed=len(made))
        return made

    def _only_kiosk(self, c: sa.Connection) -> dict[str, str]:
        """Return the home of slip coupons issued by hand: the one kiosk, where there is only one."""
        where = (devices.c.tenant == self.tenant, devices.c.state == "accepted")
        found = c.execute(sa.select(devices.c.id).where(*where).limit(2)).scalars().all()
        return {"home_device": found[0]} if len(found) == 1 else {}
