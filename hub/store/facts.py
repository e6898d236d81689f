"""What a journal's items mean at the hub: each becomes part of one attempt, in whatever order they arrive.

| attempt is          | record                    | void          | rollback      |
| not known           | take a use, else conflict | void          | rolled_back   |
| ok (approved)       | recorded                  | void, freed   | rolled_back, freed |
| deny                | take a use, else conflict | void          | rolled_back   |
| recorded, conflict  | the same                  | the same: the record is a fact, the void is noted | rolled_back, freed |
| void                | take a use, else conflict | the same      | rolled_back   |
| rolled_back         | the same                  | the same      | the same      |
"""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
import sqlalchemy as sa

from hub.schema import attempts, audit, coupons
from hub.store import feed
from hub.store.catalog import Catalog
from hub.store.counts import Counting
from hub.store.envelope import clean
from hub.store.homes import is_shut_out, may_use
from hub.store.leases import Leases, Use
from hub.store.said import COUPON, Poison, lateness, said
from hub.store.uses import free_use, hold, next_order, take_use
from kiosk.coupons.batch import Batch
from kiosk.sync.protocol import Item, ItemVerdict, Rid

_ATTEMPT = (
    sa.select(attempts)
    .where(attempts.c.tenant == sa.bindparam("of_tenant"), attempts.c.rid == sa.bindparam("of_rid"))
    .with_for_update()
)
_ISSUED = sa.select(coupons.c.stock_id).where(
    coupons.c.tenant == sa.bindparam("of_tenant"),
    coupons.c.batch == sa.bindparam("of_batch"),
    coupons.c.serial == sa.bindparam("of_serial"),
)
_FRESH = sa.insert(attempts)

GIVING = ("void", "rollback", "claim", "code_void", "lease_use")
"""What makes something good again or hands it out: of a device that was shut out it is named, and a person decides."""


@cache
def _changed(names: tuple[str, ...]) -> sa.Update:
    """Return the statement that sets some columns of an attempt; to build it takes as long as the rest of an item."""
    where = (attempts.c.tenant == sa.bindparam("of_tenant"), attempts.c.rid == sa.bindparam("of_rid"))
    values = {name: sa.bindparam(name, type_=attempts.c[name].type) for name in names}
    return sa.update(attempts).where(*where).values(values)


class Facts:
    """Applies items of one tenant."""

    def __init__(self, catalog: Catalog, counts: Counting | None = None) -> None:
        self.catalog, self.tenant = catalog, catalog.tenant
        self._counts: Counting = counts or catalog
        self.leases = Leases(catalog, self._counts)

    def apply(self, c: sa.Connection, device: str, item: Item, now: datetime) -> ItemVerdict:
        """Make an item count; Poison when it cannot."""
        if item.kind == "redeem_record":
            return self._record(c, device, item, now)
        if item.kind in GIVING and is_shut_out(c, self.tenant, device):
            of, coupon = (clean(str(item.body.get(name) or "")) for name in ("of", "coupon"))
            told = {"kind": item.kind, "rid": item.rid, "of": of, "coupon": coupon}
            self._note(c, device, "after_revocation", told, now)
            return ItemVerdict(item.seq, "accepted", "named")
        if item.kind == "void":
            return self._void(c, device, item, now)
        if item.kind == "rollback":
            return self._rollback(c, device, item, now)
        if item.kind == "claim":
            return self._claim(c, device, item)
        if item.kind == "code_void":
            return self._code_void(c, device, item, now)
        if item.kind == "lease_use":
            return self._return(c, device, item, now)
        return ItemVerdict(item.seq, "accepted")

    def standing(self, c: sa.Connection, row: Any) -> str:
        """Return a redemption's verdict as it stands now: a void may have resolved its conflict since."""
        state = c.execute(
            sa.select(attempts.c.state).where(attempts.c.tenant == self.tenant, attempts.c.rid == row.rid)
        ).scalar()
        if state is None:  # forgotten, long after it could change
            return str(row.verdict)
        if state == "conflict":
            return "conflict"
        return "accepted" if row.verdict == "conflict" else str(row.verdict)

    def _attempt(self, c: sa.Connection, rid: str, device: str) -> Any:
        """Return an attempt of this device, or None; Poison when it is another's."""
        row = c.execute(_ATTEMPT, {"of_tenant": self.tenant, "of_rid": rid}).first()
        if row is not None and row.device != device:
            raise Poison("that rid is another kiosk's")
        return row

    def _note(self, c: sa.Connection, device: str, what: str, detail: dict[str, Any], now: datetime) -> None:
        c.execute(sa.insert(audit).values(tenant=self.tenant, at=now, actor=device, what=what, detail=detail))

    def _set(self, c: sa.Connection, rid: str, **values: Any) -> None:
        c.execute(_changed(tuple(values)), {"of_tenant": self.tenant, "of_rid": rid, **values})

    # -- redemptions --

    def _record(self, c: sa.Connection, device: str, item: Item, now: datetime) -> ItemVerdict:
        coupon, batch = self._coupon(c, item.body)
        values = said(item)
        known = self._attempt(c, item.rid, device)
        if known is not None and known.state == "rolled_back":
            return ItemVerdict(item.seq, "accepted", "rolled_back")
        if known is not None and known.state in ("ok", "recorded", "conflict") and known.coupon != coupon:
            raise Poison("rid_reuse: that rid stands for another coupon")
        if known is not None and known.state == "ok":
            at = {
                "recorded_at": now,
                "at": item.t.trusted,
                "error_s": item.t.error_s,
                "source": values["source"],
            }
            self._set(c, item.rid, state="recorded", **at)
            return ItemVerdict(item.seq, "accepted", "confirmed")
        if known is not None and known.state in ("recorded", "conflict"):
            return ItemVerdict(
                item.seq, "conflict" if known.state == "conflict" else "accepted", known.verdict
            )
        return self._offline(c, device, item, known, {**values, "recorded_at": now}, coupon, batch)

    def _offline(
        self,
        c: sa.Connection,
        device: str,
        item: Item,
        known: Any,
        values: dict[str, Any],
        coupon: str,
        batch: Batch,
    ) -> ItemVerdict:
        """Take a redemption that the kiosk honoured without an approval: it is a fact; a use is taken if one is left.

        `hold_all` has its coupon by now: a use that came free before the conflict is written would find none to go to.
        """
        free = may_use(c, self.tenant, coupon, device) and take_use(c, self.tenant, coupon, device)
        values |= {
            "state": "recorded" if free else "conflict",
            "verdict": "offline",
            "reason": "",
            "coupon": coupon,
            "stock_id": batch.stock_id,
            "device": device,
        }
        if known is None:
            fresh = {
                "tenant": self.tenant,
                "rid": item.rid,
                "digest": "",
                "order": next_order(c, self.tenant),
            }
            c.execute(_FRESH, fresh | values)
        else:
            self._set(c, item.rid, **values)
        if values["lease"] is not None:
            use = Use(values["lease"], item.rid, values["value"], values["at"])
            self.leases.account(c, device, use, values["recorded_at"])
        if free:
            self._counts.count(c, batch.stock_id, redeemed=1)
            return ItemVerdict(item.seq, "accepted", lateness(batch, item))
        told = {"rid": item.rid, "coupon": coupon, "value": values["value"], "denied": known is not None}
        self._note(c, device, "conflict", told, values["recorded_at"])
        return ItemVerdict(item.seq, "conflict", "conflict", self._where_used(c, coupon, item.rid))

    def _coupon(self, c: sa.Connection, body: dict[str, Any]) -> tuple[str, Batch]:
        named = COUPON.fullmatch(str(body.get("coupon", "")))
        if named is None:
            raise Poison("the item names no coupon")
        number, serial = int(named[1]), int(named[2])
        row = c.execute(_ISSUED, {"of_tenant": self.tenant, "of_batch": number, "of_serial": serial}).first()
        batch = None if row is None else self.catalog.by_number(c, number)
        if batch is None:
            raise Poison("no such coupon was issued")
        return f"{number}-{serial}", batch

    def _where_used(self, c: sa.Connection, coupon: str, but: str) -> str:
        row = c.execute(
            sa.select(attempts.c.device, attempts.c.store, attempts.c.at)
            .where(attempts.c.tenant == self.tenant, attempts.c.coupon == coupon, attempts.c.rid != but)
            .where(attempts.c.state.in_(("ok", "recorded")))
            .order_by(attempts.c.at, attempts.c.order)
            .limit(1)
        ).first()
        return json.dumps({"device": row.device, "store": row.store, "at": row.at.isoformat()}) if row else ""

    def _void(self, c: sa.Connection, device: str, item: Item, now: datetime) -> ItemVerdict:
        known = self._attempt(c, item.rid, device)
        if known is None:
            self._tombstone(c, device, item.rid, "void", now)
        elif known.state == "ok":
            self._release(c, known, "void", now)
        elif known.state == "deny":
            self._set(c, item.rid, state="void", recorded_at=now)
        elif known.state in ("recorded", "conflict"):
            # Somebody got something for it: only a journal that lost its end can take that back.
            self._note(c, device, "void_of_record", {"rid": item.rid, "coupon": known.coupon}, now)
            return ItemVerdict(item.seq, "accepted", known.state)
        return ItemVerdict(item.seq, "accepted", "voided")

    def _rollback(self, c: sa.Connection, device: str, item: Item, now: datetime) -> ItemVerdict:
        try:
            rid = msgspec.convert(item.body.get("of"), Rid)
        except msgspec.ValidationError:
            raise Poison("the item names no redemption") from None
        known = self._attempt(c, rid, device)
        if known is None:
            self._tombstone(c, device, rid, "rolled_back", now)
        elif known.state in ("ok", "recorded", "conflict"):
            self._release(c, known, "rolled_back", now)
        elif known.state != "rolled_back":
            self._set(c, rid, state="rolled_back", recorded_at=now)
        return ItemVerdict(item.seq, "accepted", "rolled_back")

    def _tombstone(self, c: sa.Connection, device: str, rid: str, state: str, now: datetime) -> None:
        """Keep the end of an attempt that has not arrived: when it does, it can never take effect."""
        values = {
            "store": "",
            "reason": "",
            "verdict": "",
            "policy": "",
            "value": 0,
            "threshold": "unchecked",
            "source": "",
        }
        order = next_order(c, self.tenant)
        c.execute(
            sa.insert(attempts).values(
                tenant=self.tenant, rid=rid, digest="", device=device, state=state, order=order, at=now, recorded_at=now, **values
            )
        )  # fmt: skip

    def _release(self, c: sa.Connection, known: Any, state: str, now: datetime) -> None:
        """End a redemption; the use it held goes to the oldest conflict of the same coupon, if there is one."""
        self._set(c, known.rid, state=state, recorded_at=now)
        if known.lease is not None:
            self.leases.uncount(c, known.lease, known.value)
        if known.state == "conflict":
            return
        leased_to = hold(c, self.tenant, known.coupon)
        free_use(c, self.tenant, known.coupon)
        self._counts.count(c, known.stock_id, redeemed=-1)
        query = (
            sa.select(attempts.c.rid, attempts.c.device)
            .where(attempts.c.tenant == self.tenant, attempts.c.coupon == known.coupon)
            .where(attempts.c.state == "conflict")
            .order_by(attempts.c.order, attempts.c.rid)
        )
        if leased_to is not None:
            # A use that a lease reserves goes to no other kiosk; theirs are looked at when the lease gives it back.
            query = query.where(attempts.c.device == leased_to)
        could = (w for w in c.execute(query).all() if may_use(c, self.tenant, known.coupon, w.device))
        waiting = next(could, None)
        # Of a code that was made void nothing comes free.
        if waiting is not None and take_use(c, self.tenant, known.coupon, waiting.device):
            self._set(c, waiting.rid, state="recorded")
            self._counts.count(c, known.stock_id, redeemed=1)
            self._note(c, known.device, "conflict_resolved", {"rid": waiting.rid, "by": known.rid}, now)

    def _return(self, c: sa.Connection, device: str, item: Item, now: datetime) -> ItemVerdict:
        if item.body.get("returned") is not True:
            return ItemVerdict(item.seq, "accepted")
        if self.leases.returned(c, device, clean(str(item.body.get("lease"))), now) is None:
            raise Poison("no such lease of this kiosk")
        return ItemVerdict(item.seq, "accepted", "returned")

    # -- slips --

    def _of_pool(self, c: sa.Connection, device: str, coupon: str) -> tuple[Any, Any]:
        """Return the condition and the row of a coupon; Poison when it is not of this device's pool."""
        number, _, serial = coupon.partition("-")
        where = (
            coupons.c.tenant == self.tenant,
            coupons.c.batch == int(number),
            coupons.c.serial == int(serial),
        )
        row = c.execute(sa.select(coupons).where(*where).with_for_update()).one()
        if row.pool_rid is None or row.home_device != device:
            raise Poison("that coupon is not of this kiosk's pool")
        return where, row

    def _code_void(self, c: sa.Connection, device: str, item: Item, now: datetime) -> ItemVerdict:
        """Honour a code no more whose slip was replaced, and tell every kiosk; a use that was honoured stays, and is named."""
        coupon, batch = self._coupon(c, item.body)
        where, row = self._of_pool(c, device, coupon)
        if row.state == "void":
            return ItemVerdict(item.seq, "accepted", "voided")
        c.execute(sa.update(coupons).where(*where).values(state="void", claimant=f"slip:{device}"))
        told = {"coupon": coupon, "stock_id": batch.stock_id, "at": item.t.trusted.isoformat()}
        feed.put(c, self.tenant, "revocation", coupon, told)
        if batch.offline.policy != "never":
            feed.drop(c, self.tenant, "code", row.short_hash, device)
        if row.claimant is not None:
            self._counts.count(c, batch.stock_id, claimed=-1)
        uses = row.uses - self._excess(c, device, coupon, now)
        what = "void_of_used" if uses else "code_void"
        self._note(c, device, what, {"coupon": coupon, "uses": uses}, now)
        return ItemVerdict(item.seq, "accepted", "used" if uses else "voided")

    def _excess(self, c: sa.Connection, device: str, coupon: str, now: datetime) -> int:
        """Call what other kiosks honoured of a void code without the hub conflicts, as if the void had come first; return how many.

        Its own kiosk makes no code void that it redeemed, and an approval was given while the code was good.
        """
        theirs = (
            sa.select(attempts.c.rid, attempts.c.device, attempts.c.value, attempts.c.stock_id)
            .where(attempts.c.tenant == self.tenant, attempts.c.coupon == coupon)
            .where(attempts.c.device != device, attempts.c.state == "recorded")
            .where(attempts.c.verdict == "offline")
            .order_by(attempts.c.order)
        )
        found = c.execute(theirs).all()
        for row in found:
            self._set(c, row.rid, state="conflict")
            free_use(c, self.tenant, coupon)
            self._counts.count(c, row.stock_id, redeemed=-1)
            told = {"rid": row.rid, "coupon": coupon, "value": row.value, "denied": False}
            self._note(c, row.device, "conflict", told, now)
        return len(found)

    def _claim(self, c: sa.Connection, device: str, item: Item) -> ItemVerdict:
        coupon, batch = self._coupon(c, item.body)
        where, _ = self._of_pool(c, device, coupon)
        fresh = c.execute(
            sa.update(coupons).where(*where, coupons.c.claimant.is_(None)).values(claimant=f"slip:{device}")
        ).rowcount
        if fresh:
            self._counts.count(c, batch.stock_id, claimed=1)
        return ItemVerdict(item.seq, "accepted", "" if fresh else "again")
