"""What a hub that was restored from an older backup leaves out: serials and numbers that the lost part may have given away.

A code is signed over batch and serial alone, so a serial given twice is one text in the hands of two customers, of whom the second
gets nothing; and the redemption of the lost coupon, when its kiosk sends it again, would count against the other one.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hub.schema import audit, batches, facts, tenants
from hub.store import openings

SKIP = 1_000_000
"""Serials left out of each batch, or all that its stock had left, if that is more."""
LAST_SERIAL = 2**32 - 1
"""A code has four bytes for it (facts: sync-fleet A9)."""
NUMBERS = 1000
"""Numbers of batches left out: a batch loaded since the backup had one, and signed codes name it."""
APART = 1_000_000
"""Openings left out, so that those of the lost part are none of the numbers that come."""
FACT = "restored"


def settle(c: sa.Connection, tenant: str, by: str, how: str, now: datetime) -> int:
    """Leave out what the lost part may have given away, and note it; return in how many batches."""
    opening = openings.begin(c, tenant, APART)
    mine = batches.c.tenant == tenant
    query = sa.select(batches.c.stock_id, batches.c.body, batches.c.issued, batches.c.skipped)
    rows = c.execute(query.where(mine).order_by(batches.c.stock_id).with_for_update()).all()
    for row in rows:
        gap = _gap(row.body.get("stock"), row.issued, row.skipped)
        this = (mine, batches.c.stock_id == row.stock_id)
        c.execute(sa.update(batches).where(*this).values(skipped=batches.c.skipped + gap))
    next_number = {"next_batch": tenants.c.next_batch + NUMBERS}
    c.execute(sa.update(tenants).where(tenants.c.tenant == tenant).values(next_number))
    c.execute(sa.delete(facts).where(facts.c.tenant == tenant, facts.c.name == FACT))
    c.execute(sa.insert(facts).values(tenant=tenant, name=FACT, value=str(opening.number)))
    told: dict[str, Any] = {"how": how, "batches": len(rows)}
    c.execute(sa.insert(audit).values(tenant=tenant, at=now, actor=by, what="hub_restored", detail=told))
    return len(rows)


def _gap(stock: int | None, issued: int, skipped: int) -> int:
    """Return how many serials to leave out; none where as many are not left for coupons to come."""
    wanted = max(SKIP, (stock or 0) - issued)
    return max(0, min(wanted, LAST_SERIAL - issued - skipped - wanted))


def is_settled(c: sa.Connection, tenant: str, break_at: int) -> bool:
    """Tell whether what the history lost that ended at an opening was left out since."""
    query = sa.select(facts.c.value).where(facts.c.tenant == tenant, facts.c.name == FACT)
    return int(c.execute(query).scalar() or 0) >= break_at


def noticed(c: sa.Connection, tenant: str, device: str, break_at: int, now: datetime) -> None:
    """Leave out what was lost at an opening, once: a kiosk has a position that this database never gave out.

    Once a day at most, whatever kiosks say: one that shows made-up positions would use the serials up in 12 years, each day by name.
    """
    of_late = sa.select(audit.c.id).where(
        audit.c.tenant == tenant, audit.c.what == "hub_restored", audit.c.at > now - timedelta(days=1)
    )
    if not is_settled(c, tenant, break_at) and c.execute(of_late.limit(1)).first() is None:
        settle(c, tenant, device, "noticed", now)
