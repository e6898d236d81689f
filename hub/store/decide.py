"""The hub's decision on one attempt, in one transaction (facts: sync-fleet A4).

| state of rid         | state of coupon              | answer                                       |
| new                  | live, uses left              | OK, one use taken                            |
| new                  | used up, leased, expired     | DENY with the reason                         |
| known, same content  |                              | the stored answer                            |
| known, other content |                              | DENY rid_reuse                               |
| voided before        |                              | VOIDED: a late request can never take effect |
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa

from hub.schema import attempts, batches, coupons, stores
from hub.store.catalog import Catalog
from hub.store.leases import Leases
from hub.store.prepared import Prepared, stamp
from hub.store.uses import is_elsewhere, spent, take_use
from kiosk.coupons.batch import Batch, BatchStatus, could_name_a_batch
from kiosk.coupons.code import PREFIX, Opaque, Payment, Scan, Short, Signed, code_hash, read, verify
from kiosk.coupons.rules import Ruling, check
from kiosk.coupons.verdict import FirstUse, Reason
from kiosk.sync.protocol import Answer, Ask

USED_STATES = ("ok", "recorded")


def digest(ask: Ask, device: str) -> str:
    """Return what makes two asks the same: everything but the rid."""
    content = [device, ask.code, ask.store, ask.total, ask.goods, ask.own_coupon_applied, ask.lease]
    return hashlib.sha256(msgspec.json.encode(content)).hexdigest()


def mark(code: str) -> str:
    """Return what a signed code is known by once it was issued."""
    return hashlib.sha256(code.encode()).hexdigest()


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

    @property
    def at_home(self) -> bool:
        """Tell whether only its home may redeem it, if it has one."""
        return self.batch.offline.policy == "home"


def _bind(name: str) -> Any:
    return sa.bindparam(name)


_KNOWN = Prepared(
    sa.select(attempts.c.state, attempts.c.digest, sa.cast(attempts.c.answer, sa.Text)).where(
        attempts.c.tenant == _bind("tenant"), attempts.c.rid == _bind("rid")
    )
)
_COUPON = (
    sa.select(
        coupons.c.serial,
        coupons.c.state,
        coupons.c.home_device,
        batches.c.number,
        batches.c.status,
        sa.cast(batches.c.paused_stores, sa.Text),
        sa.cast(batches.c.body, sa.Text),
    )
    .join_from(
        coupons, batches, sa.and_(batches.c.tenant == coupons.c.tenant, batches.c.number == coupons.c.batch)
    )
    .where(coupons.c.tenant == _bind("tenant"))
)
_BY_NUMBER = Prepared(_COUPON.where(coupons.c.batch == _bind("batch"), coupons.c.serial == _bind("serial")))
_BY_MARK = Prepared(_COUPON.where(coupons.c.mark == _bind("mark")))
_BY_SHORT = Prepared(_COUPON.where(coupons.c.short_hash == _bind("short")))
_COUNT = Prepared(
    sa.update(batches)
    .where(batches.c.tenant == _bind("of_tenant"), batches.c.stock_id == _bind("of_stock"))
    .values(redeemed=batches.c.redeemed + 1)
)
_LAST = sa.select(sa.func.coalesce(sa.func.max(attempts.c.order), 0) + 1).where(
    attempts.c.tenant == _bind("of_tenant")
)
_GIVEN = (
    "tenant", "rid", "digest", "device", "store", "stock_id", "coupon", "state", "answer", "reason", "verdict", "policy", "value",
    "total", "threshold", "source", "at", "error_s", "recorded_at",
)  # fmt: skip
_KEEP = Prepared(
    sa.insert(attempts).values(
        {
            **{name: sa.bindparam(name, type_=attempts.c[name].type) for name in _GIVEN},
            "order": _LAST.scalar_subquery(),
        }
    )
)
_decoder = msgspec.json.Decoder(Batch)


@lru_cache(maxsize=256)
def _batch(body: str, number: int, status: BatchStatus) -> Batch:
    """Return a batch from its text; everybody redeems the same few."""
    return msgspec.structs.replace(_decoder.decode(body), number=number, status=status)


class Decisions:
    """Decides attempts of one tenant."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog, self.tenant = catalog, catalog.tenant
        self._leases = Leases(catalog)

    def decide(self, c: sa.Connection, device: str, ask: Ask, now: datetime) -> Answer:
        """Answer an attempt; the same ask gets the same answer for ever."""
        known = _KNOWN.run(c, tenant=self.tenant, rid=ask.rid).fetchone()
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
        if found is not None and not reason and not self._take(c, found, device):
            reason = self._why_not(c, found, device, now)
        answer = self._answer(c, ask, found, ruling, reason, now)
        if reason != "payment_code":
            self._keep(c, device, ask, found, answer, now)
        if found is not None and not reason:
            # Last: on PostgreSQL the batch's row is held to the end, and everybody redeems the same few batches.
            _COUNT.run(c, of_tenant=self.tenant, of_stock=found.batch.stock_id)
        return answer

    def _take(self, c: sa.Connection, found: Found, device: str) -> bool:
        return take_use(c, self.tenant, found.coupon, device, at_home=found.at_home)

    def _why_not(self, c: sa.Connection, found: Found, device: str, now: datetime) -> Reason:
        """Say why no use could be taken; take it after all when what held it has just lapsed."""
        if why := spent(c, self.tenant, found.coupon):
            return why
        self._leases.lapse(c, now)
        if self._take(c, found, device):
            return ""
        # On PostgreSQL another transaction may have used it, made it void, or given it a home since it was looked at.
        if why := spent(c, self.tenant, found.coupon):
            return why
        away = found.at_home and is_elsewhere(c, self.tenant, found.coupon, device)
        return "not_home" if away else "leased_elsewhere"

    @staticmethod
    def _again(row: Any, ask: Ask, device: str, now: datetime) -> Answer:
        state, kept, answer = row
        if state in ("void", "rolled_back"):
            return Answer(rid=ask.rid, status="voided", reason="voided", server_time=now)
        told = None if answer is None else msgspec.json.decode(answer, type=Answer | None)
        if told is None or kept != digest(ask, device):
            return Answer(rid=ask.rid, status="deny", reason="rid_reuse", server_time=now)
        return msgspec.structs.replace(told, server_time=now)

    def _find(self, c: sa.Connection, ask: Ask) -> tuple[Found | None, Reason]:
        text = ask.code.strip().upper()
        if text.startswith(PREFIX):
            # The text that was issued is good: to read and to verify it takes as long as three statements.
            row = _BY_MARK.run(c, tenant=self.tenant, mark=mark(text)).fetchone()
            if row is not None:
                return self._load(row, ask.store)
        scan = read(ask.code)
        if isinstance(scan, Payment):
            return None, "payment_code"
        if isinstance(scan, Signed):
            if not verify(scan, self.catalog.public_keys(c, scan.code.slot)):
                return None, "bad_signature"
            row = _BY_NUMBER.run(c, tenant=self.tenant, batch=scan.code.batch, serial=scan.code.serial)
            return self._load(row.fetchone(), ask.store)
        found, reason = self._unsigned(c, scan, ask.store)
        if found is None and (voucher := self._voucher(c, ask.code.strip(), ask.store)) is not None:
            return voucher, ""
        return found, reason

    def _unsigned(self, c: sa.Connection, scan: Scan, store: str) -> tuple[Found | None, Reason]:
        if not isinstance(scan, (Short, Opaque)):
            return None, "unreadable"
        if (key := self.catalog.code_key_if_any(c)) is None:
            return None, "unknown_code"
        row = _BY_SHORT.run(c, tenant=self.tenant, short=code_hash(key, scan.text))
        return self._load(row.fetchone(), store)

    def _voucher(self, c: sa.Connection, text: str, store: str) -> Found | None:
        """Know a cash voucher by its batch's number: it has no codes, but a till asks for the tag of its order."""
        batch = self.catalog.batch(c, text, store) if could_name_a_batch(text) else None
        if batch is None or batch.product != "cash_voucher":
            return None
        return Found(batch, 0, "live", None)

    @staticmethod
    def _load(row: Any, store: str) -> tuple[Found | None, Reason]:
        if row is None:
            return None, "unknown_code"
        serial, state, home, number, status, paused, body = row
        if status == "running" and store in msgspec.json.decode(paused):
            status = "paused"
        batch = _batch(body, number, status)
        return Found(batch, serial, state, home), ""

    @staticmethod
    def _also(found: Found, device: str) -> Reason:
        if found.state == "revoked":
            return "revoked"
        if found.state == "void":
            return "replaced"
        if found.at_home and found.home_device not in (None, device):
            return "not_home"
        return ""

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
            coupon=found.coupon if found and found.serial else None,
            first_use=self.first_use(c, found.coupon) if found and reason == "used" else None,
            threshold=ruling.threshold if ruling else "unchecked",
            discount=ruling.discount if ruling and not reason else None,
            goods_tag=ruling.goods_tag if ruling and reason in ("", "cash_voucher") else None,
            server_time=now,
        )

    def _keep(
        self, c: sa.Connection, device: str, ask: Ask, found: Found | None, answer: Answer, now: datetime
    ) -> None:
        _KEEP.run(
            c,
            of_tenant=self.tenant,
            tenant=self.tenant,
            rid=ask.rid,
            digest=digest(ask, device),
            device=device,
            store=ask.store,
            stock_id=answer.stock_id,
            coupon=answer.coupon,
            state=answer.status,
            answer=msgspec.json.encode(answer).decode(),
            reason=answer.reason,
            verdict="confirmed" if answer.status == "ok" else "",
            policy=found.batch.offline.policy if found else "",
            value=found.batch.value if found else 0,
            total=ask.total,
            threshold=answer.threshold,
            source="",
            at=stamp(c, now),
            error_s=0.0,
            recorded_at=None,
        )

    def settle(self, c: sa.Connection, rid: str, now: datetime) -> None:
        """Take an approved attempt as honoured."""
        where = (attempts.c.tenant == self.tenant, attempts.c.rid == rid, attempts.c.state == "ok")
        c.execute(sa.update(attempts).where(*where).values(state="recorded", recorded_at=now))

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
