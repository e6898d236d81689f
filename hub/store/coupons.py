"""Coupons: issued for the pool of a kiosk, for a customer, or for a list."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from hub.errors import HubError, Refused
from hub.schema import batches, coupons, devices
from hub.store import feed
from hub.store.catalog import Catalog, code_entries
from hub.store.decide import mark
from hub.store.homes import keeps_rights, shut_out
from hub.store.leases import Leases
from kiosk.coupons.batch import Batch
from kiosk.coupons.code import code_hash, new_short, sign
from kiosk.sync.protocol import PoolCode

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
        self._leases = Leases(catalog)

    def _lock(self, c: sa.Connection, stock_id: str) -> int | None:
        """Hold a batch to the end of the transaction, so that stock and limits are judged one after the other.

        Returns how many coupons were issued; None when there is no such batch.
        """
        where = (batches.c.tenant == self.tenant, batches.c.stock_id == stock_id)
        return c.execute(sa.select(batches.c.issued).where(*where).with_for_update()).scalar()

    def _next(self, c: sa.Connection, stock_id: str) -> int:
        """Return the serial of the next coupon of a batch that is held."""
        where = (batches.c.tenant == self.tenant, batches.c.stock_id == stock_id)
        return int(c.execute(sa.select(batches.c.issued + batches.c.skipped + 1).where(*where)).scalar_one())

    def issue(self, c: sa.Connection, batch: Batch, count: int, now: datetime, **extra: Any) -> list[Issued]:
        """Make `count` coupons of a batch, fewer when the stock runs out."""
        issued = self._lock(c, batch.stock_id) or 0
        if batch.stock is not None:
            count = max(0, min(count, batch.stock - issued))
        key = self.catalog.code_key(c)
        slot, private = self.catalog.signing_key(c)
        rows, made = [], []
        first = self._next(c, batch.stock_id)
        for serial in range(first, first + count):
            short = new_short()
            code = sign(private, slot=slot, batch=batch.number, serial=serial, not_after=batch.ends.date())
            row = self._row(batch, serial, short, now)
            rows.append(
                row | {"slot": slot, "short_hash": code_hash(key, short), "mark": mark(code), **extra}
            )
            name = f"{batch.number}-{serial}"
            made.append(Issued(name, batch.stock_id, code, short, 0, batch.max_uses, "live"))
        self._write(c, batch, rows)
        return made

    def _row(self, batch: Batch, serial: int, short: str, now: datetime) -> dict[str, Any]:
        """Return a fresh coupon as the table holds it, but for what its code is known by."""
        return {
            "tenant": self.tenant,
            "batch": batch.number,
            "serial": serial,
            "stock_id": batch.stock_id,
            "slot": 0,
            "short": self.catalog.vault.seal(short.encode(), PURPOSE),
            "mark": None,
            "store": None,
            "claimant": None,
            "form": None,
            "home_device": None,
            "pool_rid": None,
            "state": "live",
            "uses": 0,
            "max_uses": batch.max_uses,
            "issued_at": now,
        }

    def _write(self, c: sa.Connection, batch: Batch, rows: list[dict[str, Any]]) -> None:
        if not rows:
            return
        c.execute(sa.insert(coupons), rows)
        where = (batches.c.tenant == self.tenant, batches.c.stock_id == batch.stock_id)
        c.execute(sa.update(batches).where(*where).values(issued=batches.c.issued + len(rows)))
        if batch.offline.policy != "never":
            names = [(r["short_hash"], r["batch"], r["serial"], r["home_device"] or "") for r in rows]
            feed.put_new(c, self.tenant, "code", code_entries(batch.stock_id, names))

    def _shown(self, c: sa.Connection, batch: Batch, row: dict[str, Any]) -> Issued:
        code = short = self.catalog.vault.open(row["short"], PURPOSE).decode()
        if row["slot"]:
            key, day = self.catalog.private_key(c, row["slot"]), batch.ends.date()
            code = sign(key, slot=row["slot"], batch=row["batch"], serial=row["serial"], not_after=day)
        coupon = f"{row['batch']}-{row['serial']}"
        return Issued(coupon, batch.stock_id, code, short, row["uses"], row["max_uses"], row["state"])

    # -- for kiosks --

    def pool(
        self, c: sa.Connection, device: str, stock_id: str, rid: str, count: int, now: datetime
    ) -> tuple[PoolCode, ...]:
        """Return slip codes bound to a device; the same `rid` gets the same ones."""
        self._lock(c, stock_id)
        if not keeps_rights(c, self.tenant, device):
            raise shut_out()
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
        made = self.issue(c, batch, 1, now, claimant=claimant, form=mark, store=store)
        if not made:
            raise Refused("sold_out", "sold_out", 409)
        self._leases.join(c, batch, made[0].coupon, store, now)
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
        held = self._of_customer(c, claimant, batch.stock_id)
        return "limit" if batch.per_user is not None and len(held) >= batch.per_user else ""

    # -- for a list --

    def list_out(
        self,
        c: sa.Connection,
        stock_id: str,
        count: int,
        openid: str | None,
        now: datetime,
        store: str | None = None,
    ) -> list[Issued]:
        """Issue codes by hand, all of them or none: slip coupons for print, or coupons of a stand-in customer.

        `store`: where they will be used, so that a lease for a kiosk there takes them first; a slip's home is that store's.
        """
        issued = self._lock(c, stock_id)
        batch = self._for_list(c, stock_id, issued, count, now)
        self._allowed(c, batch, openid, count)
        extra = self._at_store(c, batch, store)
        if batch.product == "slip_coupon" and store is None:
            extra |= self._only_kiosk(c)
        made = self.issue(c, batch, count, now, claimant=openid, **extra)
        self.catalog.count(c, stock_id, claimed=len(made))
        return made

    def room(
        self,
        c: sa.Connection,
        stock_id: str,
        count: int,
        openid: str | None,
        now: datetime,
        store: str | None = None,
    ) -> None:
        """Check that `list_out` could issue so many; HubError says why not."""
        batch = self._for_list(c, stock_id, self._lock(c, stock_id), count, now)
        self._allowed(c, batch, openid, count)
        self._at_store(c, batch, store)

    def _allowed(self, c: sa.Connection, batch: Batch, openid: str | None, count: int) -> None:
        """Check that a customer may have `count` coupons more; a list without a customer has no such bound."""
        if openid is None or batch.per_user is None:
            return
        have = len(self._of_customer(c, openid, batch.stock_id))
        if have + count > batch.per_user:
            raise HubError(
                f"{openid} has {have} coupons of {batch.stock_id}, and {batch.per_user} are the most for a customer; "
                f"{count} more would be too many, none was issued.",
                4,
            )

    def _of_customer(self, c: sa.Connection, claimant: str, stock_id: str) -> list[dict[str, Any]]:
        return self._where(c, coupons.c.claimant == claimant, coupons.c.stock_id == stock_id)

    def _for_list(
        self, c: sa.Connection, stock_id: str, issued: int | None, count: int, now: datetime
    ) -> Batch:
        """Return a batch that has room for `count` coupons more; HubError says why it has not."""
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
        return batch

    def _at_store(self, c: sa.Connection, batch: Batch, store: str | None) -> dict[str, Any]:
        """Return what a coupon has of the store that it is meant for; HubError when there is none, or the batch is not for it."""
        if store is None:
            return {}
        found = self.catalog.store(c, store)
        if found is None:
            raise self.catalog.no_store(c, store)
        if batch.stores is not None and store not in batch.stores:
            raise HubError(
                f"{batch.stock_id} cannot be used at {store}; its stores are {', '.join(batch.stores)}.", 1
            )
        home = found.home_kiosk if batch.product == "slip_coupon" else None
        return {"store": store} | ({} if home is None else self._home(c, home))

    def take_in(
        self,
        c: sa.Connection,
        stock_id: str,
        codes: Sequence[str],
        now: datetime,
        store: str | None = None,
    ) -> int:
        """Take codes in that the merchant or WeChat made, all of them or none; those that are known already do not count."""
        issued = self._lock(c, stock_id)
        fresh = self._fresh(c, stock_id, codes)
        batch = self._for_codes(c, stock_id, issued, len(fresh), now)
        extra = self._at_store(c, batch, store)
        rows = [
            self._row(batch, serial, code, now) | {"short_hash": digest, **extra}
            for serial, (digest, code) in enumerate(fresh.items(), self._next(c, stock_id))
        ]
        self._write(c, batch, rows)
        if rows:
            self.catalog.count(c, stock_id, claimed=len(rows))
        return len(rows)

    def unknown(
        self, c: sa.Connection, stock_id: str, codes: Sequence[str], now: datetime, store: str | None
    ) -> list[str]:
        """Return those that `take_in` would take in, in their order; HubError says why it would not."""
        issued = self._lock(c, stock_id)
        fresh = self._fresh(c, stock_id, codes)
        self._at_store(c, self._for_codes(c, stock_id, issued, len(fresh), now), store)
        return list(fresh.values())

    def _for_codes(
        self, c: sa.Connection, stock_id: str, issued: int | None, count: int, now: datetime
    ) -> Batch:
        batch = self._for_list(c, stock_id, issued, count, now)
        if batch.product == "slip_coupon":
            raise HubError(f"{stock_id} is a batch of slips, whose codes are made here; name another one.", 1)
        return batch

    def _fresh(self, c: sa.Connection, stock_id: str, codes: Sequence[str]) -> dict[str, str]:
        """Return the codes that are new, by hash. One of another batch is an error: it would stand for two coupons."""
        key = self.catalog.code_key(c)
        wanted = {code_hash(key, code): code for code in codes}
        known = self._known(c, list(wanted))
        foreign = [n for n, h in enumerate(wanted, 1) if known.get(h, stock_id) != stock_id]
        if foreign:
            raise HubError(
                f"{len(foreign)} of the codes stand for coupons of other batches, code number {foreign[0]} first; "
                "none was taken in, remove them.",
                1,
            )
        return {h: code for h, code in wanted.items() if h not in known}

    def _known(self, c: sa.Connection, hashes: list[str]) -> dict[str, str]:
        """Return the batches of the codes that are here already; a statement holds 500 of them."""
        found: dict[str, str] = {}
        for n in range(0, len(hashes), 500):
            query = sa.select(coupons.c.short_hash, coupons.c.stock_id).where(
                coupons.c.tenant == self.tenant, coupons.c.short_hash.in_(hashes[n : n + 500])
            )
            found |= {row.short_hash: row.stock_id for row in c.execute(query)}
        return found

    def _only_kiosk(self, c: sa.Connection) -> dict[str, str]:
        """Return the home of slip coupons issued by hand: the one kiosk, where there is only one."""
        where = (devices.c.tenant == self.tenant, devices.c.state == "accepted")
        found = c.execute(sa.select(devices.c.id).where(*where).limit(2)).scalars().all()
        return self._home(c, found[0]) if len(found) == 1 else {}

    def _home(self, c: sa.Connection, device: str) -> dict[str, str]:
        """Bind a slip to its home, unless that is shut out just now: nobody would release it."""
        return {"home_device": device} if keeps_rights(c, self.tenant, device) else {}
