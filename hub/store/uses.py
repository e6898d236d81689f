"""Uses of a coupon: taken and given back, each by one statement that checks and writes."""

from __future__ import annotations

from typing import Literal, cast

import sqlalchemy as sa

from hub.schema import attempts, coupons
from hub.store.prepared import Prepared

_TAKE = (
    sa.update(coupons)
    .where(
        coupons.c.tenant == sa.bindparam("of_tenant"),
        coupons.c.batch == sa.bindparam("of_batch"),
        coupons.c.serial == sa.bindparam("of_serial"),
        coupons.c.uses < coupons.c.max_uses,
        coupons.c.state != "void",
        sa.func.coalesce(coupons.c.leased_to, sa.bindparam("of_device")) == sa.bindparam("of_device"),
    )
    .values(uses=coupons.c.uses + 1)
)
TAKE = Prepared(_TAKE)
TAKE_AT_HOME = Prepared(
    _TAKE.where(
        sa.func.coalesce(coupons.c.home_device, sa.bindparam("of_device")) == sa.bindparam("of_device")
    )
)
"""A coupon may get a home between the look at it and this: its heir decides for it without asking from then on."""

_HOLD = (
    sa.select(coupons.c.leased_to)
    .where(
        coupons.c.tenant == sa.bindparam("of_tenant"),
        coupons.c.batch == sa.bindparam("of_batch"),
        coupons.c.serial == sa.bindparam("of_serial"),
    )
    .with_for_update()
)
_LAST = sa.select(sa.func.max(attempts.c.order)).where(attempts.c.tenant == sa.bindparam("of_tenant"))


def _coupon(tenant: str, coupon: str) -> tuple[sa.ColumnElement[bool], ...]:
    batch, _, serial = coupon.partition("-")
    return coupons.c.tenant == tenant, coupons.c.batch == int(batch), coupons.c.serial == int(serial)


def take_use(c: sa.Connection, tenant: str, coupon: str, device: str, *, at_home: bool = False) -> bool:
    """Take one use of a coupon for a device if one is left that no other device's lease holds; a void code has none.

    `at_home`: nor is it another device's home that decides for it.
    """
    batch, _, serial = coupon.partition("-")
    take = TAKE_AT_HOME if at_home else TAKE
    changed = take.run(c, of_tenant=tenant, of_batch=int(batch), of_serial=int(serial), of_device=device)
    return cast(int, changed.rowcount) == 1


def spent(c: sa.Connection, tenant: str, coupon: str) -> Literal["", "used", "replaced"]:
    """Say why nobody at all can take a use of a coupon; empty: one is left, whoever may take it."""
    columns = (coupons.c.state, coupons.c.uses < coupons.c.max_uses)
    row = c.execute(sa.select(*columns).where(*_coupon(tenant, coupon))).one()
    if row[0] == "void":
        return "replaced"
    return "" if row[1] else "used"


def is_elsewhere(c: sa.Connection, tenant: str, coupon: str, device: str) -> bool:
    """Tell whether a coupon has a home, and it is another device."""
    home = c.execute(sa.select(coupons.c.home_device).where(*_coupon(tenant, coupon))).scalar_one()
    return home not in (None, device)


def free_use(c: sa.Connection, tenant: str, coupon: str) -> None:
    """Give one use back."""
    where = _coupon(tenant, coupon)
    c.execute(sa.update(coupons).where(*where, coupons.c.uses > 0).values(uses=coupons.c.uses - 1))


def hold(c: sa.Connection, tenant: str, coupon: str) -> str | None:
    """Hold a coupon on PostgreSQL to the end of the transaction and return the device whose lease it is in."""
    batch, _, serial = coupon.partition("-")
    return c.execute(_HOLD, {"of_tenant": tenant, "of_batch": int(batch), "of_serial": int(serial)}).scalar()


def next_order(c: sa.Connection, tenant: str) -> int:
    """Return the next arrival number."""
    return int(c.execute(_LAST, {"of_tenant": tenant}).scalar() or 0) + 1
