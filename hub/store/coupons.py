"""Coupons: issued for the pool of a kiosk, for a customer, or for a list."""

from __future__ import annotations

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


class Coupons:
    """The coupons of one tenant."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog, self.tenant = catalog, catalog.tenant

    def issue(self, c: sa.Connection, batch: Batch, count: int, now: datetime, **extra: Any) -> list[Issued]:
        """Make `count` coupons of a batch, fewer when the stock runs out."""
        issued = c.execute(
            sa.select(batches.c.issued).where(
                batches.c.tenant == self.tenant, batches.c.stock_id == batch.stock_id
            )
        ).scalar_one()
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
        for row in rows:
            body = CodeBody(row["short_hash"], batch.stock_id, f"{row['batch']}-{row['serial']}")
            feed.put(c, self.tenant, "code", row["short_hash"], body, row["home_device"] or "")

    def _shown(self, c: sa.Connection, batch: Batch, row: dict[str, Any]) -> Issued:
        _, private = self.catalog.signing_key(c)
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
        batch = self.catalog.batch(c, stock_id)
        if batch is None or batch.product != "slip_coupon":
            raise Refused("unknown_batch", f"{stock_id} is not a batch of slip coupons.", 404)
        known = self._where(c, coupons.c.pool_rid == rid, coupons.c.home_device == device)
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

    def held(self, c: sa.Connection, claimant: str) -> list[Issued]:
        """Return the coupons that a customer has claimed."""
        found = []
        for row in self._where(c, coupons.c.claimant == claimant):
            batch = self.catalog.by_number(c, row["batch"])
            if batch is not None:
                found.append(self._shown(c, batch, row))
        return found

    def claim(
        self, c: sa.Connection, claimant: str, stock_id: str, store: str, form: str | None, now: datetime
    ) -> Issued:
        """Give a customer a coupon; the same form gives the same coupon, so a double click claims once."""
        if form is not None and (
            same := self._where(c, coupons.c.form == form, coupons.c.claimant == claimant)
        ):
            known = self.catalog.by_number(c, same[0]["batch"])
            assert known is not None
            return self._shown(c, known, same[0])
        batch = self.catalog.batch(c, stock_id, store)
        reason = self._why_not(c, batch, claimant, store, now)
        if reason or batch is None:
            raise Refused(reason or "unknown_batch", reason, 409)
        made = self.issue(c, batch, 1, now, claimant=claimant, form=form)
        if not made:
            raise Refused("sold_out", "sold_out", 409)
        self.catalog.count(c, stock_id, claimed=1)
        return made[0]

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
        """Issue codes by hand: slip coupons for print, or coupons of a stand-in customer."""
        batch = self.catalog.batch(c, stock_id)
        if batch is None:
            raise HubError(f"there is no batch {stock_id}; `kiosk-hub batch list` names them.", 1)
        if batch.product == "cash_voucher":
            raise HubError(
                f"{stock_id} is a cash voucher: WeChat gives and deducts those, it has no codes.", 1
            )
        home = None
        if batch.product == "slip_coupon":
            home = (
                c.execute(
                    sa.select(devices.c.id).where(
                        devices.c.tenant == self.tenant, devices.c.state == "accepted"
                    )
                )
                .scalars()
                .all()
            )
        extra: dict[str, Any] = {"claimant": openid}
        if home is not None and len(home) == 1:
            extra["home_device"] = home[0]
        made = self.issue(c, batch, count, now, **extra)
        if made:
            self.catalog.count(c, stock_id, claimed=len(made))
        if len(made) < count:
            raise HubError(f"{stock_id} has stock for {len(made)} of {count} coupons; none was issued.", 4)
        return made
