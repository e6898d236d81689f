"""A kiosk as far as leases go, and coupons to lease."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from hub.parts import Parts, now
from hub.schema import leases
from hub.store import feed
from hub.store.coupons import Issued
from hub.store.envelope import read
from kiosk.coupons.ids import new_rid
from kiosk.coupons.record import Change, LeaseBody
from kiosk.sync.protocol import Answer, Ask, LeaseAsk, Leased

from .test_decide import load
from .world import Journal, batch, issue, stamp

STOCK, STORE, QUOTA = "LEASED", "kjy-south", 4


class Till:
    """A kiosk as far as leases go: its journal, and what it was told."""

    def __init__(self, parts: Parts, name: str, store: str = STORE) -> None:
        self.parts, self.name, self.store = parts, name, store
        self.journal, self.sent = Journal(), 0
        self.upload()

    def upload(self, at: datetime | None = None) -> None:
        run = self.journal.run(self.sent + 1)
        raw = read(msgspec.json.encode(run))
        told = self.parts.database.call(self.parts.uploads.take, self.name, raw, at or now())
        self.sent = told.ack_through

    def lease(self, rid: str = "", at: datetime | None = None, epoch: str = "") -> Leased:
        ask = LeaseAsk(rid or new_rid(), STOCK, epoch or self.journal.epoch)
        return self.parts.database.call(self.parts.leases.grant, self.name, self.store, ask, at or now())

    def held(self) -> dict[str, LeaseBody]:
        pos, found, more = "", list[Change](), True
        while more:
            pos, more, items = self.parts.database.call(feed.since, "main", self.name, pos)
            found += [i for i in items if i.type == "lease" and i.op == "put"]
        return {i.id: msgspec.convert(i.body, LeaseBody) for i in found}

    def names(self) -> list[str]:
        return [name for body in self.held().values() for name in body.coupons or ()]

    def ask(self, code: str, at: datetime | None = None) -> Answer:
        question = Ask(rid=new_rid(), code=code, store=self.store)
        return self.parts.database.call(self.parts.decisions.decide, self.name, question, at or now())

    def honour(self, coupon: str, lease: str | None, rid: str = "", at: datetime | None = None) -> str:
        rid = rid or new_rid()
        body = {"lease": lease, "stock_id": STOCK, "policy": "lease", "coupon": coupon, "store": self.store}
        told = {"verdict": "offline", "value": 100, "total": None, "threshold": "unchecked", "source": "scan"}
        self.journal.add("redeem_record", rid, {**told, **body}, stamp(at))
        return rid

    def give_back(self, lease: str) -> None:
        self.journal.add(
            "lease_use", lease, {"lease": lease, "stock_id": STOCK, "used": 0, "value": 0, "returned": True}
        )


def filled(parts: Parts, count: int = 6, **more: Any) -> list[Issued]:
    rule = {"policy": "lease", "quota": QUOTA, **more.pop("offline", {})}
    load(parts, batch(STOCK, threshold=0, offline=rule, **more))
    return issue(parts, STOCK, count)


def row(parts: Parts, name: str) -> Any:
    return parts.database.call(lambda c: c.execute(sa.select(leases).where(leases.c.id == name)).one())
