"""Slips whose kiosk is gone: the kiosk that takes its place as the store's home decides for them, without asking (facts: sync-fleet A3)."""

from __future__ import annotations

import sqlalchemy as sa

from hub.schema import coupons, devices
from hub.store import feed
from hub.store.catalog import Catalog, code_entries


def inherit(c: sa.Connection, catalog: Catalog, store: str, heir: str) -> int:
    """Bind the handed-out slips of a store's kiosks that were shut out to its new home; return how many.

    Only those that were never used: the heir knows its own uses, and one that was redeemed elsewhere meanwhile would be good twice.
    """
    gone = sa.select(sa.literal("slip:") + devices.c.id).where(
        devices.c.tenant == catalog.tenant, devices.c.store == store, devices.c.state == "revoked"
    )
    orphans = (
        coupons.c.tenant == catalog.tenant,
        coupons.c.claimant.in_(gone),
        coupons.c.home_device.is_(None),
        coupons.c.state == "live",
        coupons.c.uses == 0,
    )
    columns = (coupons.c.short_hash, coupons.c.batch, coupons.c.serial, coupons.c.stock_id)
    rows = c.execute(sa.select(*columns).where(*orphans).with_for_update()).all()
    c.execute(sa.update(coupons).where(*orphans).values(home_device=heir))
    batches = {b.stock_id: b for b in catalog.batches(c)}
    for row in rows:
        if batches[row.stock_id].offline.policy == "never":
            continue
        for digest, body, device in code_entries(
            row.stock_id, [(row.short_hash, row.batch, row.serial, heir)]
        ):
            feed.put(c, catalog.tenant, "code", digest, body, device)
    return len(rows)
