"""The journals of kiosks come up: a verdict per item, whatever the order of arrival (facts: sync-fleet A5).

What must be right is the envelope: epoch, sequence numbers, hashes. An item whose content makes no sense is *poison*: it is
kept aside, acknowledged and named, so that it blocks nothing behind it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from hub.errors import Refused
from hub.schema import attempts, audit, devices, epochs, journal
from hub.store import feed, gaps, homes, known
from hub.store.catalog import Catalog
from hub.store.counts import Counts
from hub.store.envelope import BadItem, Envelope, RawItem, clean
from hub.store.facts import Facts
from hub.store.holds import hold_all
from hub.store.leases import Leases
from hub.store.prepared import Prepared, stamp
from hub.store.said import Poison
from hub.store.twins import Twins
from kiosk.sync.protocol import GENESIS, Acknowledged, Ended, ItemVerdict, item_hash

_OF = (
    epochs.c.tenant == sa.bindparam("of_tenant"),
    epochs.c.device == sa.bindparam("of_device"),
    epochs.c.epoch == sa.bindparam("of_epoch"),
)
_END = Prepared(sa.select(epochs.c.seq, epochs.c.hash, epochs.c.address).where(*_OF).with_for_update())
_GROWN = Prepared(sa.update(epochs).where(*_OF).values(seq=sa.bindparam("end"), hash=sa.bindparam("mark")))
_NAMES = (
    "tenant", "device", "epoch", "seq", "kind", "rid", "body", "t", "hash", "status", "verdict", "detail", "received_at",
)  # fmt: skip
_ROW = Prepared(
    sa.insert(journal).values({name: sa.bindparam(name, type_=journal.c[name].type) for name in _NAMES})
)
"""Compiled once, like the statements of `facts`: building them takes longer than the database does."""
LOT = 50
MAX_ITEMS = 100
"""Items of one transaction, and of one request once the kiosk has heard of it.

Six uploads of 500 items at once made a decision wait for 2.1 s on SQLite and 7.7 s on PostgreSQL, longer than a kiosk waits;
cut into runs of 50, 0.3 s and 0.1 s.
"""


class _Work(msgspec.Struct, frozen=True):
    """One transaction's upload: what its items are applied with."""

    c: sa.Connection
    device: str
    epoch: str
    now: datetime
    facts: Facts
    counts: Counts


def lots(upload: Envelope) -> Iterator[Envelope]:
    """Cut an upload into runs of `LOT` items, each for a transaction of its own; the kiosk parts with the last one."""
    for n in range(0, max(1, len(upload.items)), LOT):
        part = upload.items[n : n + LOT]
        yield msgspec.structs.replace(
            upload,
            first_seq=upload.first_seq + n,
            prev=upload.items[n - 1].hash if n else upload.prev,
            items=part,
            parting=upload.parting and n + LOT >= len(upload.items),
        )


def joined(told: Sequence[Acknowledged]) -> Acknowledged:
    """Return the answer to an upload from those to its runs."""
    verdicts = tuple(verdict for one in told for verdict in one.items)
    return msgspec.structs.replace(told[-1], items=verdicts, had=told[0].had)


class Uploads:
    """Takes uploads of one tenant."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog, self.tenant = catalog, catalog.tenant
        self._leases = Leases(catalog)
        self._twins = Twins(catalog)

    def take(
        self, c: sa.Connection, device: str, upload: Envelope, now: datetime, address: str = ""
    ) -> Acknowledged:
        """Take a run of items; Refused `seq_regress` or `seq_gap` when it does not continue what is known."""
        tip = self._tip(c, device, upload, now, address)
        hold_all(c, self.tenant, (raw for raw in upload.items if raw.seq > tip))
        counts = Counts(self.catalog)
        work = _Work(c, device, upload.epoch, now, Facts(self.catalog, counts), counts)
        verdicts, prev, end = [], upload.prev, tip
        for seq, raw in enumerate(upload.items, upload.first_seq):
            if raw.seq != seq:
                raise Refused("seq_gap", f"item {seq} is missing.", 409)
            if seq <= tip:
                verdicts.append(self._known(work, raw))
            else:
                verdicts.append(self._new(work, raw, prev))
                end = seq
            prev = raw.hash
        if end > tip:
            _GROWN.run(c, **self._epoch(device, upload.epoch), end=end, mark=prev)
        if upload.parting:
            homes.parted(c, self.catalog, device, now)
        run = feed.fact(c, self.tenant, "run")
        # Last: the rows of batches are what everybody waits for, held from here to the commit alone.
        counts.write(c)
        had = known.others(c, self.tenant, device, upload.epoch) if upload.first_seq == 1 else None
        return Acknowledged(upload.epoch, end, tuple(verdicts), now, MAX_ITEMS, run, had)

    def _epoch(self, device: str, epoch: str) -> dict[str, str]:
        return {"of_tenant": self.tenant, "of_device": device, "of_epoch": epoch}

    def _tip(self, c: sa.Connection, device: str, upload: Envelope, now: datetime, address: str) -> int:
        of = self._epoch(device, upload.epoch)
        row = _END.run(c, **of).fetchone()
        if row is None:
            self._begin(c, device, upload, now, address)
            return 0
        seq, mark, last_address = row
        closed = not mark
        if upload.first_seq > seq + 1 and not closed:
            raise Refused("seq_gap", f"items {seq + 1} to {upload.first_seq - 1} are missing.", 409)
        if closed or (upload.first_seq == seq + 1 and upload.prev != mark):
            self._note(c, device, "seq_regress", {"epoch": upload.epoch, "seq": seq}, now)
            raise Refused(
                "seq_regress",
                "the journal does not continue what the hub has; begin a new epoch.",
                409,
                keep=True,
            )
        if last_address != address:
            c.execute(sa.update(epochs).where(*_OF).values(address=address), of)
        self._twins.look(c, device, upload.epoch, now)
        return int(seq)

    def _begin(self, c: sa.Connection, device: str, upload: Envelope, now: datetime, address: str) -> None:
        """Open an epoch. Another one of the same kiosk means that its journal went backwards: that is noted (P6)."""
        if upload.first_seq != 1 or upload.prev != GENESIS:
            raise Refused("seq_regress", "this hub does not know that epoch; begin a new one.", 409)
        older = c.execute(
            sa.select(epochs.c.epoch, epochs.c.seq)
            .where(epochs.c.tenant == self.tenant, epochs.c.device == device)
            .order_by(epochs.c.opened_at.desc())
        ).first()
        if older is not None:
            told: dict[str, Any] = {"epoch": upload.epoch, "before": older.epoch, "seq": older.seq}
            if upload.ended is not None and upload.ended.epoch == older.epoch:
                told |= gaps.told(older.seq, upload.ended, self._hashes(c, device, upload.ended))
            self._note(c, device, "epoch_change", told, now)
            self._leases.ending(c, device, "epoch_change", now)
        c.execute(
            sa.insert(epochs).values(
                tenant=self.tenant,
                device=device,
                epoch=upload.epoch,
                seq=0,
                hash=GENESIS,
                opened_at=now,
                address=address,
            )
        )

    def _hashes(self, c: sa.Connection, device: str, ended: Ended) -> dict[int, str]:
        rows = c.execute(
            sa.select(journal.c.seq, journal.c.hash).where(
                journal.c.tenant == self.tenant,
                journal.c.device == device,
                journal.c.epoch == ended.epoch,
                journal.c.seq.in_([n for n, _ in ended.marks]),
            )
        )
        return {r.seq: r.hash for r in rows}

    def _note(self, c: sa.Connection, device: str, what: str, detail: dict[str, Any], now: datetime) -> None:
        c.execute(sa.insert(audit).values(tenant=self.tenant, at=now, actor=device, what=what, detail=detail))

    def _new(self, work: _Work, raw: RawItem, prev: str) -> ItemVerdict:
        c, device = work.c, work.device
        try:
            item = raw.item()
            if item_hash(prev, item.seq, item.kind, item.rid, item.body, item.t) != item.hash:
                raise Poison("the hash does not fit the content")
            # A part of an item's effects is worse than none: what fails half way is undone.
            with work.counts.step(), c.begin_nested():
                verdict = work.facts.apply(c, device, item, work.now)
        except (BadItem, Poison) as err:
            verdict = ItemVerdict(raw.seq, "quarantined", detail=clean(str(err))[:200])
            told = {"epoch": work.epoch, "seq": raw.seq, "why": verdict.detail}
            self._note(c, device, "quarantined", told, work.now)
        self._store(c, device, work.epoch, raw, verdict, work.now)
        return verdict

    def _store(
        self, c: sa.Connection, device: str, epoch: str, raw: RawItem, verdict: ItemVerdict, now: datetime
    ) -> None:
        kept = raw.kept()
        _ROW.run(
            c,
            tenant=self.tenant,
            device=device,
            epoch=epoch,
            seq=raw.seq,
            kind=kept.kind,
            rid=kept.rid,
            body=json.dumps(kept.body),
            t=json.dumps(kept.t),
            hash=raw.hash,
            status=verdict.status,
            verdict=verdict.verdict,
            detail=verdict.detail,
            received_at=stamp(c, now),
        )

    def _known(self, work: _Work, raw: RawItem) -> ItemVerdict:
        c, device, epoch = work.c, work.device, work.epoch
        where = (
            journal.c.tenant == self.tenant,
            journal.c.device == device,
            journal.c.epoch == epoch,
            journal.c.seq == raw.seq,
        )
        row = c.execute(sa.select(journal).where(*where)).one()
        if row.hash != raw.hash:
            self._note(c, device, "seq_regress", {"epoch": epoch, "seq": raw.seq}, work.now)
            raise Refused(
                "seq_regress",
                f"item {raw.seq} differs from the one the hub has; begin a new epoch.",
                409,
                keep=True,
            )
        verdict = work.facts.standing(c, row) if row.kind == "redeem_record" else row.verdict
        if verdict == "conflict":
            return ItemVerdict(raw.seq, "conflict", verdict, row.detail)
        return ItemVerdict(raw.seq, "duplicate", verdict)


def own_uses(
    c: sa.Connection, tenant: str, device: str, after: str, limit: int = 500
) -> tuple[list[dict[str, Any]], str | None]:
    """Return a device's own redemptions by rid, with those that were undone since, for a journal that went backwards."""
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
        .where(attempts.c.state.in_(("ok", "recorded", "conflict", "rolled_back")))
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
