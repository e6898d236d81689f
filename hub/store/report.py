"""What operators read: redemptions for reconciliation, conflicts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hub.schema import attempts, audit, batches, devices, epochs, journal, stores
from hub.store.prepared import spelt
from kiosk.coupons.rules import SHANGHAI

COLUMNS = (
    "rid", "state", "verdict", "stock_id", "batch_name", "coupon", "value_fen", "total_fen", "threshold", "store_id", "store_name",
    "device", "redeemed_at", "error_s", "recorded_at",
)  # fmt: skip
DAY = timedelta(days=1)
HONOURED = ("recorded", "conflict", "ok", "rolled_back")


def redemptions(
    c: sa.Connection, tenant: str, since: datetime | None, until: datetime | None
) -> Iterator[dict[str, Any]]:
    """Return each redemption once, oldest first; times in the shop's zone.

    state: recorded; conflict (honoured, but no use was left); approved (the kiosk's record is not here yet); rolled_back.
    """
    where = [attempts.c.tenant == tenant, attempts.c.state.in_(HONOURED)]
    if since:
        where.append(attempts.c.at >= since)
    if until:
        where.append(attempts.c.at < until)
    rows = c.execute(
        sa.select(attempts, stores.c.name.label("store_name"), batches.c.body.label("batch"))
        .outerjoin(stores, sa.and_(stores.c.tenant == attempts.c.tenant, stores.c.id == attempts.c.store))
        .outerjoin(
            batches, sa.and_(batches.c.tenant == attempts.c.tenant, batches.c.stock_id == attempts.c.stock_id)
        )
        .where(*where)
        .order_by(attempts.c.at, attempts.c.order)
    )
    for r in rows:
        yield {
            "rid": r.rid,
            "state": "approved" if r.state == "ok" else r.state,
            "verdict": r.verdict,
            "stock_id": r.stock_id or "",
            "batch_name": (r.batch or {}).get("name", ""),
            "coupon": r.coupon or "",
            "value_fen": r.value,
            "total_fen": "" if r.total is None else r.total,
            "threshold": r.threshold,
            "store_id": r.store,
            "store_name": r.store_name or "",
            "device": r.device,
            "redeemed_at": r.at.astimezone(SHANGHAI).isoformat(timespec="seconds"),
            "error_s": "" if r.error_s is None else round(r.error_s, 3),
            "recorded_at": r.recorded_at.astimezone(SHANGHAI).isoformat(timespec="seconds")
            if r.recorded_at
            else "",
        }


def latest(c: sa.Connection, tenant: str, limit: int = 30) -> list[dict[str, Any]]:
    """Return the redemptions that arrived last, the newest first, with the names of batch and kiosk."""
    rows = c.execute(
        sa.select(attempts, batches.c.body.label("batch"), devices.c.name.label("device_name"))
        .outerjoin(
            batches, sa.and_(batches.c.tenant == attempts.c.tenant, batches.c.stock_id == attempts.c.stock_id)
        )
        .outerjoin(devices, sa.and_(devices.c.tenant == attempts.c.tenant, devices.c.id == attempts.c.device))
        .where(attempts.c.tenant == tenant, attempts.c.state.in_(("recorded", "conflict", "rolled_back")))
        .where(attempts.c.coupon.is_not(None))
        .order_by(attempts.c.order.desc(), attempts.c.rid)
        .limit(limit)
    )
    return [{**r._mapping, "batch_name": (r.batch or {}).get("name", "")} for r in rows]


def conflicts(c: sa.Connection, tenant: str) -> list[dict[str, Any]]:
    """Return every redemption in conflict once, with the first of those that hold the coupon's uses."""
    mine, other = attempts.alias("mine"), attempts.alias("other")
    rows = c.execute(
        sa.select(
            mine,
            other.c.store.label("other_store"),
            other.c.at.label("other_at"),
            devices.c.name.label("device_name"),
        )
        .outerjoin(
            other,
            sa.and_(
                other.c.tenant == mine.c.tenant,
                other.c.coupon == mine.c.coupon,
                other.c.state.in_(("ok", "recorded")),
            ),
        )
        .outerjoin(devices, sa.and_(devices.c.tenant == mine.c.tenant, devices.c.id == mine.c.device))
        .where(mine.c.tenant == tenant, mine.c.state == spelt("conflict"))
        .order_by(mine.c.order, mine.c.rid, other.c.order)
    )
    found: dict[str, dict[str, Any]] = {}
    for r in rows:
        found.setdefault(r.rid, dict(r._mapping))
    return list(found.values())


def unconfirmed(c: sa.Connection, tenant: str, limit: int = 100) -> list[dict[str, Any]]:
    """Return approvals that their kiosk has never recorded: it was heard a day later, began a new journal since, or is shut out.

    Each may hold a use of a customer who got nothing (facts: sync-fleet A4, P5, P6). What a kiosk that is shut out makes void
    is only named, and it is heard no more in any other way.
    """
    mine = (epochs.c.tenant == attempts.c.tenant, epochs.c.device == attempts.c.device)
    newest = sa.select(sa.func.max(epochs.c.opened_at)).where(*mine).scalar_subquery()
    oldest = sa.select(sa.func.min(epochs.c.opened_at)).where(*mine).scalar_subquery()
    rows = c.execute(
        sa.select(
            attempts,
            devices.c.name.label("device_name"),
            devices.c.seen_at,
            devices.c.state.label("device_state"),
            newest.label("newest"),
            oldest.label("oldest"),
        )
        .outerjoin(devices, sa.and_(devices.c.tenant == attempts.c.tenant, devices.c.id == attempts.c.device))
        .where(attempts.c.tenant == tenant, attempts.c.state == spelt("ok"))
        .order_by(attempts.c.order)
    )
    found = []
    for r in rows:
        heard = r.seen_at is not None and r.seen_at - r.at > DAY
        again = r.newest is not None and r.newest > max(r.oldest, r.at)
        if heard or again or r.device_state == "revoked":
            found.append(dict(r._mapping))
    return found[:limit]


def devices_by_state(c: sa.Connection, tenant: str) -> dict[str, int]:
    """Return how many kiosks there are by state."""
    rows = c.execute(
        sa.select(devices.c.state, sa.func.count())
        .where(devices.c.tenant == tenant)
        .group_by(devices.c.state)
    )
    return {"pending": 0, "accepted": 0, "revoked": 0} | {row[0]: row[1] for row in rows}


def troubles(c: sa.Connection, tenant: str) -> dict[str, int]:
    """Return how many conflicts stand and how many items were put aside."""

    def count(table: sa.Table, *where: sa.ColumnElement[bool]) -> int:
        query = sa.select(sa.func.count()).select_from(table).where(table.c.tenant == tenant, *where)
        return int(c.execute(query).scalar_one())

    return {
        "conflicts": count(attempts, attempts.c.state == spelt("conflict")),
        "quarantined": count(journal, journal.c.status == spelt("quarantined")),
    }


NOTED = (
    "seq_regress", "epoch_change", "quarantined", "void_of_record", "void_of_used", "after_revocation", "conflict_resolved",
    "lease_breach", "lease_ending", "lease_released", "given_up", "rolled_back", "older_copy", "twin", "trusted",
    "hub_restored",
)  # fmt: skip


def notes(c: sa.Connection, tenant: str, limit: int = 50) -> list[dict[str, Any]]:
    """Return what was noticed of late in the journals of kiosks, the newest first (facts: sync-fleet P6)."""
    rows = c.execute(
        sa.select(audit.c.at, audit.c.what, audit.c.detail, audit.c.actor, devices.c.name, devices.c.store)
        .outerjoin(devices, sa.and_(devices.c.tenant == audit.c.tenant, devices.c.id == audit.c.actor))
        .where(audit.c.tenant == tenant, audit.c.what.in_(NOTED))
        .order_by(audit.c.id.desc())
        .limit(limit)
    )
    return [dict(r._mapping) for r in rows]
