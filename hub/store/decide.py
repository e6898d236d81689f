"""The hub's decision on one attempt, in one transaction (facts: sync-fleet A4).

| state of rid         | state of coupon              | answer                                       |
| new                  | live, uses left              | OK, one use taken                            |
| new                  | used up, elsewhere, expired  | DENY with the reason                         |
| known, same content  |                              | the stored answer                            |
| known, other content |                              | DENY rid_reuse                               |
| voided before        |                              | VOIDED: a late request can never take effect |
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from hub.schema import attempts, coupons, stores
from hub.store.catalog import Catalog
from kiosk.coupons.batch import Batch
from kiosk.coupons.code import Opaque, Payment, Short, Signed, code_hash, read, verify
from kiosk.coupons.rules import Ruling, check
from kiosk.coupons.verdict import FirstUse, Reason
from kiosk.sync.protocol import Answer, Ask

USED_STATES = ("ok", "recorded")


def digest(ask: Ask, device: str) -> str:
    """Return what makes two asks the same: everything but the rid."""
    return hashlib.sha256(
        msgspec.json.encode([device, ask.code, ask.store, ask.total, ask.goods])
    ).hexdigest()


class Found(msgspec.Struct, frozen=True):
    """A coupon as the decision sees it."""

    batch: Batch
    serial: int
    state: str
    home_device: str | None

    @property
    def coupon(self) -> str:
        """Return the coupon's identity."""
        return f"{self.batch.number}-{self.serial}"


class Decisions:
    """Decides attempts of one tenant."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog, self.tenant = catalog, catalog.tenant

    def decide(self, c: sa.Connection, device: str, ask: Ask, now: datetime) -> Answer:
        """Answer an attempt; the same ask gets the same answer for ever."""
        known = self._attempt(c, ask.rid)
        if known is not None:
            return self._again(known, ask, device, now)
        found, reason = self._find(c, ask)
        ruling: Ruling | None = None
        if found is not None:
            ruling = check(
                found.batch,
                now=now,
                store=ask.store,
                total=ask.total,
                goods=ask.goods,
                own_coupon_applied=ask.own_coupon_applied,
            )
            reason = self._also(found, device) or ruling.refusal
        if found is not None and not reason:
            reason = "" if self._take(c, found) else "used"
        answer = self._answer(c, ask, found, ruling, reason, now)
        if not isinstance(read(ask.code), Payment):
            self._keep(c, device, ask, found, answer, now)
        return answer

    def _attempt(self, c: sa.Connection, rid: str) -> Any:
        return c.execute(
            sa.select(attempts).where(attempts.c.tenant == self.tenant, attempts.c.rid == rid)
        ).first()

    def _again(self, row: Any, ask: Ask, device: str, now: datetime) -> Answer:
        if row.state == "void" or row.state == "rolled_back":
            return Answer(rid=ask.rid, status="voided", reason="voided", server_time=now)
        if row.digest != digest(ask, device) or row.answer is None:
            return Answer(rid=ask.rid, status="deny", reason="rid_reuse", server_time=now)
        return msgspec.structs.replace(msgspec.convert(row.answer, Answer), server_time=now)

    def _find(self, c: sa.Connection, ask: Ask) -> tuple[Found | None, Reason]:
        scan = read(ask.code)
        if isinstance(scan, Payment):
            return None, "payment_code"
        if isinstance(scan, Signed):
            if not verify(scan, self.catalog.public_keys(c)):
                return None, "bad_signature"
            return self._load(
                c, ask.store, coupons.c.batch == scan.code.batch, coupons.c.serial == scan.code.serial
            )
        if isinstance(scan, Short):
            return self._load(
                c, ask.store, coupons.c.short_hash == code_hash(self.catalog.code_key(c), scan.text)
            )
        return None, "unknown_code" if isinstance(scan, Opaque) else "unreadable"

    def _load(
        self, c: sa.Connection, store: str, *where: sa.ColumnElement[bool]
    ) -> tuple[Found | None, Reason]:
        row = c.execute(sa.select(coupons).where(coupons.c.tenant == self.tenant, *where)).first()
        if row is None:
            return None, "unknown_code"
        batch = self.catalog.by_number(c, row.batch, store)
        if batch is None:
            return None, "unknown_batch"
        return Found(batch, row.serial, row.state, row.home_device), ""

    def _also(self, found: Found, device: str) -> Reason:
        if found.state == "revoked":
            return "revoked"
        if found.batch.offline.policy == "home" and found.home_device not in (None, device):
            return "not_home"
        return ""

    def _take(self, c: sa.Connection, found: Found) -> bool:
        """Take one use if one is left: check and write are one statement."""
        taken = take_use(c, self.tenant, found.coupon)
        if taken:
            self.catalog.count(c, found.batch.stock_id, redeemed=1)
        return taken

    def _answer(
        self,
        c: sa.Connection,
        ask: Ask,
        found: Found | None,
        ruling: Ruling | None,
        reason: Reason,
        now: datetime,
    ) -> Answer:
        return Answer(
            rid=ask.rid,
            status="deny" if reason else "ok",
            reason=reason,
            stock_id=found.batch.stock_id if found else None,
            coupon=found.coupon if found else None,
            first_use=self.first_use(c, found.coupon) if found and reason == "used" else None,
            threshold=ruling.threshold if ruling else "unchecked",
            discount=ruling.discount if ruling and not reason else None,
            goods_tag=ruling.goods_tag if ruling and not reason else None,
            server_time=now,
        )

    def _keep(
        self, c: sa.Connection, device: str, ask: Ask, found: Found | None, answer: Answer, now: datetime
    ) -> None:
        c.execute(
            sa.insert(attempts).values(
                tenant=self.tenant,
                rid=ask.rid,
                digest=digest(ask, device),
                device=device,
                store=ask.store,
                stock_id=answer.stock_id,
                coupon=answer.coupon,
                state=answer.status,
                answer=msgspec.to_builtins(answer),
                reason=answer.reason,
                verdict="confirmed" if answer.status == "ok" else "",
                policy=found.batch.offline.policy if found else "",
                value=found.batch.value if found else 0,
                total=ask.total,
                threshold=answer.threshold,
                source="",
                at=now,
                error_s=0.0,
                recorded_at=None,
                order=next_order(c, self.tenant),
            )
        )

    def first_use(self, c: sa.Connection, coupon: str) -> FirstUse | None:
        """Return where and when a coupon was used first."""
        row = c.execute(
            sa.select(attempts.c.at, attempts.c.store, stores.c.name)
            .outerjoin(stores, sa.and_(stores.c.tenant == attempts.c.tenant, stores.c.id == attempts.c.store))
            .where(
                attempts.c.tenant == self.tenant,
                attempts.c.coupon == coupon,
                attempts.c.state.in_(USED_STATES),
            )
            .order_by(attempts.c.at, attempts.c.order)
            .limit(1)
        ).first()
        return None if row is None else FirstUse(row.name or row.store, row.at)


def next_order(c: sa.Connection, tenant: str) -> int:
    """Return the next arrival number."""
    last = c.execute(sa.select(sa.func.max(attempts.c.order)).where(attempts.c.tenant == tenant)).scalar()
    return int(last or 0) + 1


def take_use(c: sa.Connection, tenant: str, coupon: str) -> bool:
    """Take one use of a coupon if one is left and it was not revoked."""
    batch, _, serial = coupon.partition("-")
    where = (coupons.c.tenant == tenant, coupons.c.batch == int(batch), coupons.c.serial == int(serial))
    changed = c.execute(
        sa.update(coupons).where(*where, coupons.c.uses < coupons.c.max_uses).values(uses=coupons.c.uses + 1)
    )
    return changed.rowcount == 1


def free_use(c: sa.Connection, tenant: str, coupon: str) -> None:
    """Give one use back."""
    batch, _, serial = coupon.partition("-")
    where = (coupons.c.tenant == tenant, coupons.c.batch == int(batch), coupons.c.serial == int(serial))
    c.execute(sa.update(coupons).where(*where, coupons.c.uses > 0).values(uses=coupons.c.uses - 1))
