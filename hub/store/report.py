"""What operators read: redemptions for reconciliation, conflicts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.schema import attempts, batches, devices, stores
from kiosk.coupons.rules import SHANGHAI

COLUMNS = (
    "rid", "state", "verdict", "stock_id", "batch_name", "coupon", "value_fen", "total_fen", "threshold", "store_id", "store_name",
    "device", "redeemed_at", "error_s", "recorded_at",
)  # fmt: skip
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


def conflicts(c: sa.Connection, tenant: str) -> list[dict[str, Any]]:
    """Return every redemption in conflict with the ones that hold the coupon's uses."""
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
        .where(mine.c.tenant == tenant, mine.c.state == "conflict")
        .order_by(mine.c.order)
    )
    return [dict(r._mapping) for r in rows]
