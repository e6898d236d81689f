"""The journals of kiosks come up: a verdict per item, whatever the order of arrival (facts: sync-fleet A5)."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from hub.errors import Refused
from hub.schema import attempts, audit, coupons, devices, epochs, journal
from hub.store.catalog import Catalog
from hub.store.decide import free_use, next_order, take_use
from kiosk.coupons.batch import Batch
from kiosk.sync.protocol import GENESIS, Acknowledged, Item, ItemVerdict, Upload, item_hash


class Poison(Exception):
    """An item that makes no sense: it is kept aside and acknowledged, so that it blocks nothing behind it."""


class Uploads:
    """Takes uploads of one tenant."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog, self.tenant = catalog, catalog.tenant

    def take(self, c: sa.Connection, device: str, upload: Upload, now: datetime) -> Acknowledged:
        """Take a run of items; Refused `seq_regress` or `seq_gap` when it does not continue what is known."""
        tip, last = self._tip(c, device, upload, now)
        verdicts, prev, seq = [], upload.prev, upload.first_seq
        for item in upload.items:
            if item.seq != seq:
                raise Refused("seq_gap", f"item {seq} is missing.", 409)
            verdicts.append(self._one(c, device, upload.epoch, item, prev, tip, now))
            prev, seq = item.hash, seq + 1
        if seq - 1 > tip:
            tip, last = seq - 1, prev
            where = (
                epochs.c.tenant == self.tenant,
                epochs.c.device == device,
                epochs.c.epoch == upload.epoch,
            )
            c.execute(sa.update(epochs).where(*where).values(seq=tip, hash=last))
        return Acknowledged(upload.epoch, tip, tuple(verdicts), now)

    def _tip(self, c: sa.Connection, device: str, upload: Upload, now: datetime) -> tuple[int, str]:
        where = (epochs.c.tenant == self.tenant, epochs.c.device == device, epochs.c.epoch == upload.epoch)
        row = c.execute(sa.select(epochs).where(*where)).first()
        if row is None:
            if upload.first_seq != 1 or upload.prev != GENESIS:
                raise Refused("seq_regress", "this hub does not know that epoch; begin a new one.", 409)
            if self._others(c, device):
                self._note(c, device, "epoch_change", {"epoch": upload.epoch}, now)
            c.execute(
                sa.insert(epochs).values(
                    tenant=self.tenant, device=device, epoch=upload.epoch, seq=0, hash=GENESIS, opened_at=now
                )
            )
            return 0, GENESIS
        if upload.first_seq > row.seq + 1:
            raise Refused("seq_gap", f"items {row.seq + 1} to {upload.first_seq - 1} are missing.", 409)
        if upload.first_seq == row.seq + 1 and upload.prev != row.hash:
            self._note(c, device, "chain_broken", {"epoch": upload.epoch, "seq": row.seq}, now)
            raise Refused(
                "seq_regress", "the journal does not continue what the hub has; begin a new epoch.", 409
            )
        return row.seq, row.hash

    def _others(self, c: sa.Connection, device: str) -> bool:
        return bool(
            c.execute(
                sa.select(epochs.c.epoch).where(epochs.c.tenant == self.tenant, epochs.c.device == device)
            ).first()
        )

    def _note(self, c: sa.Connection, device: str, what: str, detail: dict[str, Any], now: datetime) -> None:
        c.execute(sa.insert(audit).values(tenant=self.tenant, at=now, actor=device, what=what, detail=detail))

    def _one(
        self, c: sa.Connection, device: str, epoch: str, item: Item, prev: str, tip: int, now: datetime
    ) -> ItemVerdict:
        if item.seq <= tip:
            return self._known(c, device, epoch, item)
        body = item.body
        try:
            if item_hash(prev, item.seq, item.kind, item.rid, body, item.t) != item.hash:
                raise Poison("the hash does not fit the content")
            verdict = self._apply(c, device, item, now)
        except (Poison, KeyError, TypeError, ValueError) as err:
            verdict = ItemVerdict(item.seq, "quarantined", detail=f"{type(err).__name__}: {err}"[:200])
            self._note(
                c, device, "quarantined", {"epoch": epoch, "seq": item.seq, "why": verdict.detail}, now
            )
        c.execute(
            sa.insert(journal).values(
                tenant=self.tenant,
                device=device,
                epoch=epoch,
                seq=item.seq,
                kind=item.kind,
                rid=item.rid,
                body=body,
                t=msgspec.to_builtins(item.t),
                hash=item.hash,
                status=verdict.status,
                verdict=verdict.verdict,
                detail=verdict.detail,
                received_at=now,
            )
        )
        return verdict

    def _known(self, c: sa.Connection, device: str, epoch: str, item: Item) -> ItemVerdict:
        where = (
            journal.c.tenant == self.tenant,
            journal.c.device == device,
            journal.c.epoch == epoch,
            journal.c.seq == item.seq,
        )
        row = c.execute(sa.select(journal).where(*where)).one()
        if row.hash != item.hash:
            raise Refused(
                "seq_regress", f"item {item.seq} differs from the one the hub has; begin a new epoch.", 409
            )
        verdict = self._now(c, row) if row.kind == "redeem_record" else row.verdict
        return ItemVerdict(
            item.seq, "conflict" if verdict == "conflict" else "duplicate", verdict, row.detail
        )

    def _now(self, c: sa.Connection, row: Any) -> str:
        """Return a redemption's verdict as it stands now: a void may have resolved its conflict since."""
        state = c.execute(
            sa.select(attempts.c.state).where(attempts.c.tenant == self.tenant, attempts.c.rid == row.rid)
        ).scalar()
        if state == "conflict":
            return "conflict"
        return "accepted" if row.verdict == "conflict" else str(row.verdict)

    # -- by kind --

    def _apply(self, c: sa.Connection, device: str, item: Item, now: datetime) -> ItemVerdict:
        if item.kind == "redeem_record":
            return self._record(c, device, item, now)
        if item.kind == "void":
            return self._void(c, device, item, now)
        if item.kind == "rollback":
            return self._rollback(c, device, item, now)
        if item.kind == "claim":
            return self._claim(c, device, item)
        return ItemVerdict(item.seq, "accepted")

    def _attempt(self, c: sa.Connection, rid: str) -> Any:
        return c.execute(
            sa.select(attempts).where(attempts.c.tenant == self.tenant, attempts.c.rid == rid)
        ).first()

    def _record(self, c: sa.Connection, device: str, item: Item, now: datetime) -> ItemVerdict:
        known = self._attempt(c, item.rid)
        if known is not None and known.device != device:
            raise Poison("that rid is another kiosk's")
        if known is not None and known.state in ("recorded", "conflict"):
            return ItemVerdict(
                item.seq, "conflict" if known.state == "conflict" else "accepted", known.verdict
            )
        if known is not None and known.state == "ok":
            if known.coupon != item.body["coupon"]:
                raise Poison("rid_reuse: the record names another coupon than the approval")
            self._set(
                c,
                item.rid,
                state="recorded",
                recorded_at=now,
                at=item.t.trusted,
                source=item.body.get("source", ""),
            )
            return ItemVerdict(item.seq, "accepted", "confirmed")
        return self._offline(c, device, item, known, now)

    def _offline(self, c: sa.Connection, device: str, item: Item, known: Any, now: datetime) -> ItemVerdict:
        """Take a redemption that the kiosk honoured without an approval: it is a fact; a use is taken if one is left."""
        body = item.body
        coupon, batch = self._coupon(c, body)
        free = take_use(c, self.tenant, coupon)
        verdict = self._kind(batch, item) if free else "conflict"
        values = {
            "state": "recorded" if free else "conflict",
            "verdict": "offline",
            "reason": "",
            "coupon": coupon,
            "stock_id": batch.stock_id,
            "device": device,
            "store": str(body["store"])[:32],
            "policy": str(body.get("policy", ""))[:16],
            "value": int(body.get("value") or 0),
            "total": body.get("total"),
            "threshold": str(body.get("threshold", "unchecked"))[:16],
            "source": str(body.get("source", ""))[:32],
            "at": item.t.trusted,
            "error_s": item.t.error_s,
            "recorded_at": now,
        }
        if known is None:
            order = next_order(c, self.tenant)
            c.execute(
                sa.insert(attempts).values(
                    tenant=self.tenant, rid=item.rid, digest="", answer=None, order=order, **values
                )
            )
        else:
            self._set(c, item.rid, **values)
        if free:
            self.catalog.count(c, batch.stock_id, redeemed=1)
            return ItemVerdict(item.seq, "accepted", verdict)
        self._note(c, device, "conflict", {"rid": item.rid, "coupon": coupon, "value": values["value"]}, now)
        return ItemVerdict(item.seq, "conflict", "conflict", self._where_used(c, coupon, item.rid))

    def _coupon(self, c: sa.Connection, body: dict[str, Any]) -> tuple[str, Batch]:
        number, _, serial = str(body["coupon"]).partition("-")
        where = (
            coupons.c.tenant == self.tenant,
            coupons.c.batch == int(number),
            coupons.c.serial == int(serial),
        )
        row = c.execute(sa.select(coupons.c.stock_id).where(*where)).first()
        batch = self.catalog.by_number(c, int(number))
        if row is None or batch is None:
            raise Poison("no such coupon was issued")
        return f"{int(number)}-{int(serial)}", batch

    @staticmethod
    def _kind(batch: Batch, item: Item) -> str:
        return "accepted_late" if batch.status != "running" or item.t.trusted > batch.ends else "accepted"

    def _where_used(self, c: sa.Connection, coupon: str, but: str) -> str:
        row = c.execute(
            sa.select(attempts.c.device, attempts.c.store, attempts.c.at)
            .where(attempts.c.tenant == self.tenant, attempts.c.coupon == coupon, attempts.c.rid != but)
            .where(attempts.c.state.in_(("ok", "recorded")))
            .order_by(attempts.c.order)
            .limit(1)
        ).first()
        return json.dumps({"device": row.device, "store": row.store, "at": row.at.isoformat()}) if row else ""

    def _set(self, c: sa.Connection, rid: str, **values: Any) -> None:
        c.execute(
            sa.update(attempts)
            .where(attempts.c.tenant == self.tenant, attempts.c.rid == rid)
            .values(**values)
        )

    def _void(self, c: sa.Connection, device: str, item: Item, now: datetime) -> ItemVerdict:
        known = self._attempt(c, item.rid)
        if known is None:
            order = next_order(c, self.tenant)
            c.execute(
                sa.insert(attempts).values(
                    tenant=self.tenant, rid=item.rid, digest="", device=device, store="", state="void", order=order, at=now,
                    coupon=item.body.get("coupon"), stock_id=item.body.get("stock_id"), reason="", verdict="", policy="", value=0,
                    threshold="unchecked", source="", recorded_at=now,
                )
            )  # fmt: skip
            return ItemVerdict(item.seq, "accepted", "voided")
        if known.device != device:
            raise Poison("that rid is another kiosk's")
        if known.state in ("ok", "recorded", "conflict"):
            self._release(c, known, "void", now)
        return ItemVerdict(item.seq, "accepted", "voided")

    def _rollback(self, c: sa.Connection, device: str, item: Item, now: datetime) -> ItemVerdict:
        known = self._attempt(c, str(item.body["of"]))
        if known is None or known.device != device:
            raise Poison("there is no such redemption of this kiosk")
        if known.state in ("ok", "recorded", "conflict"):
            self._release(c, known, "rolled_back", now)
        return ItemVerdict(item.seq, "accepted", "rolled_back")

    def _release(self, c: sa.Connection, known: Any, state: str, now: datetime) -> None:
        """End a redemption; the use it held goes to the oldest conflict of the same coupon, if there is one."""
        self._set(c, known.rid, state=state, recorded_at=now)
        if known.state == "conflict":
            return
        waiting = c.execute(
            sa.select(attempts.c.rid)
            .where(
                attempts.c.tenant == self.tenant,
                attempts.c.coupon == known.coupon,
                attempts.c.state == "conflict",
            )
            .order_by(attempts.c.order)
            .limit(1)
        ).scalar()
        if waiting is not None:
            self._set(c, waiting, state="recorded")
            self._note(c, known.device, "conflict_resolved", {"rid": waiting, "by": known.rid}, now)
            return
        free_use(c, self.tenant, known.coupon)
        self.catalog.count(c, known.stock_id, redeemed=-1)

    def _claim(self, c: sa.Connection, device: str, item: Item) -> ItemVerdict:
        coupon, batch = self._coupon(c, item.body)
        number, _, serial = coupon.partition("-")
        where = (
            coupons.c.tenant == self.tenant,
            coupons.c.batch == int(number),
            coupons.c.serial == int(serial),
        )
        fresh = c.execute(
            sa.update(coupons).where(*where, coupons.c.claimant.is_(None)).values(claimant=f"slip:{device}")
        ).rowcount
        if fresh:
            self.catalog.count(c, batch.stock_id, claimed=1)
        return ItemVerdict(item.seq, "accepted", "" if fresh else "again")


def own_uses(
    c: sa.Connection, tenant: str, device: str, after: str, limit: int = 500
) -> tuple[list[dict[str, Any]], str | None]:
    """Return a device's own redemptions by rid, for a journal that went backwards."""
    rows = c.execute(
        sa.select(
            attempts.c.rid,
            attempts.c.coupon,
            attempts.c.stock_id,
            attempts.c.at,
            attempts.c.store,
            attempts.c.state,
        )
        .where(attempts.c.tenant == tenant, attempts.c.device == device, attempts.c.rid > after)
        .where(attempts.c.state.in_(("ok", "recorded", "conflict")))
        .order_by(attempts.c.rid)
        .limit(limit + 1)
    ).all()
    page = [{**r._mapping, "at": r.at.isoformat()} for r in rows[:limit]]
    return page, page[-1]["rid"] if len(rows) > limit else None


def touch(c: sa.Connection, tenant: str, device: str, now: datetime) -> None:
    """Note that a device was heard."""
    c.execute(
        sa.update(devices).where(devices.c.tenant == tenant, devices.c.id == device).values(seen_at=now)
    )
