"""Slips whose kiosk is gone: the kiosk that takes its place as the store's home decides for them, without asking (facts: sync-fleet A3)."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from hub.errors import Refused
from hub.schema import audit, coupons, devices, stores
from hub.store import feed
from hub.store.catalog import Catalog, code_entries
from hub.store.prepared import Prepared


def orphan(c: sa.Connection, tenant: str, device: str) -> None:
    """End the rights of a kiosk that is shut out: what waits in its pool is void, what a customer may hold stays good.

    Only what the hub gave for its pool is known to lie there: slips that were issued by hand may be printed and out. Those have
    no claimant; the kiosk's mark goes onto them, so that they pass on with those that it handed out itself.
    """
    mine = (coupons.c.tenant == tenant, coupons.c.home_device == device)
    unclaimed = coupons.c.claimant.is_(None)
    waits = (unclaimed, coupons.c.pool_rid.is_not(None))
    c.execute(sa.update(coupons).where(*mine, *waits).values(state="revoked"))
    by_hand = (unclaimed, coupons.c.pool_rid.is_(None))
    c.execute(sa.update(coupons).where(*mine, *by_hand).values(claimant=f"slip:{device}"))
    c.execute(sa.update(coupons).where(*mine, coupons.c.claimant.is_not(None)).values(home_device=None))


def inherit(c: sa.Connection, catalog: Catalog, store: str, heir: str) -> int:
    """Bind the handed-out slips of a store's kiosks that were shut out to its new home; return how many.

    Only those that were never used: the heir knows its own uses, and one that was redeemed elsewhere meanwhile would be good twice.
    Only of kiosks that know of it: one that is offline still decides for its slips, and two would.
    """
    gone = sa.select(sa.literal("slip:") + devices.c.id).where(
        devices.c.tenant == catalog.tenant,
        devices.c.store == store,
        devices.c.state == "revoked",
        devices.c.quiet_at.is_not(None),
    )
    orphans = (
        coupons.c.tenant == catalog.tenant,
        coupons.c.claimant.in_(gone),
        coupons.c.home_device.is_(None),
        coupons.c.state == "live",
        coupons.c.uses == 0,
    )
    columns = (coupons.c.short_hash, coupons.c.batch, coupons.c.serial, coupons.c.stock_id)
    # The claimant goes along: when the heir is shut out in its turn, it is the one that has to know.
    bound = sa.update(coupons).where(*orphans).values(home_device=heir, claimant=f"slip:{heir}")
    rows = c.execute(bound.returning(*columns)).all()
    batches = {b.stock_id: b for b in catalog.batches(c)}
    for row in rows:
        if batches[row.stock_id].offline.policy == "never":
            continue
        for digest, body, device in code_entries(
            row.stock_id, [(row.short_hash, row.batch, row.serial, heir)]
        ):
            feed.put(c, catalog.tenant, "code", digest, body, device)
    return len(rows)


def parted(c: sa.Connection, catalog: Catalog, device: str, now: datetime) -> None:
    """Note that a kiosk knows that it was shut out, and let the store's home inherit its slips; only the first time.

    Not of a card in doubt: another one may be offline and still decide for them.
    """
    where = (devices.c.tenant == catalog.tenant, devices.c.id == device, devices.c.state == "revoked")
    first = (devices.c.quiet_at.is_(None), devices.c.twin_at.is_(None))
    said = sa.update(devices).where(*where, *first).values(quiet_at=now)
    if not c.execute(said).rowcount:
        return
    told = {"tenant": catalog.tenant, "at": now, "actor": device, "what": "parted", "detail": {}}
    c.execute(sa.insert(audit).values(told))
    home = (
        sa.select(stores.c.id, stores.c.home_device)
        .join_from(
            devices, stores, sa.and_(stores.c.tenant == devices.c.tenant, stores.c.id == devices.c.store)
        )
        .where(*where, stores.c.home_device.is_not(None))
    )
    row = c.execute(home).first()
    if row is not None:
        inherit(c, catalog, row.id, row.home_device)


_RIGHT = (
    sa.select(devices.c.state, coupons.c.leased_to, coupons.c.claimant)
    .join_from(devices, coupons, coupons.c.tenant == devices.c.tenant)
    .where(
        devices.c.tenant == sa.bindparam("of_tenant"),
        devices.c.id == sa.bindparam("of_device"),
        coupons.c.batch == sa.bindparam("of_batch"),
        coupons.c.serial == sa.bindparam("of_serial"),
    )
)


_OWN = sa.select(devices.c.state).where(
    devices.c.tenant == sa.bindparam("of_tenant"), devices.c.id == sa.bindparam("of_device")
)
_STATE, _STATE_HELD = Prepared(_OWN), Prepared(_OWN.with_for_update(read=True))


def is_shut_out(c: sa.Connection, tenant: str, device: str) -> bool:
    """Tell whether a device was revoked."""
    row = _STATE.run(c, of_tenant=tenant, of_device=device).fetchone()
    return row is not None and row[0] == "revoked"


def keeps_rights(c: sa.Connection, tenant: str, device: str) -> bool:
    """Hold a device's rights as they are to the end of the transaction; tell whether it has any, or was shut out meanwhile.

    Who shuts it out, or doubts its card, waits on PostgreSQL for what it is being given, and then finds that.
    """
    row = _STATE_HELD.run(c, of_tenant=tenant, of_device=device).fetchone()
    return row is None or row[0] != "revoked"


def shut_out() -> Refused:
    """Return what a kiosk that was shut out is told."""
    return Refused("revoked", "this kiosk is revoked.", 403)


def may_use(c: sa.Connection, tenant: str, coupon: str, device: str) -> bool:
    """Tell whether what a device honoured may take a use; that of one that was shut out only where it alone had the right.

    It may be in the wrong hands: what it says of other coupons is named, and spoils none.
    """
    batch, _, serial = coupon.partition("-")
    asked = {"of_tenant": tenant, "of_device": device, "of_batch": int(batch), "of_serial": int(serial)}
    row = c.execute(_RIGHT, asked).first()
    if row is None or row.state != "revoked":
        return True
    return row.leased_to == device or bool(row.claimant == f"slip:{device}")
