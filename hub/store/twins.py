"""Two kiosks with one card: found by their journals, stopped from deciding alone, told to the operator (facts: sync-fleet A7).

A kiosk that has begun an epoch never writes to an older one again. So an upload to an older epoch, later than any request
can be under way, comes from an older image of the card: one that was put back in its place, or a copy beside it. Which of the two,
nobody can tell at that moment; so the card is in doubt, and decides nothing alone. When the newer epoch is heard after that, there
are two cards. A board serial or machine id seen to change proves less: a card moves to another board in a repair, and a copied
card takes the machine id along.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hub.errors import HubError
from hub.schema import audit, devices, epochs
from hub.store import feed
from hub.store.catalog import Catalog
from hub.store.leases import Leases
from hub.store.prepared import Prepared
from kiosk.sync.protocol import MAX_SKEW_S

UNDER_WAY = timedelta(seconds=2 * MAX_SKEW_S)
"""A signature lives for five minutes before and five after: nothing older is let in."""


_COLUMNS = (epochs.c.epoch, epochs.c.opened_at, epochs.c.address, devices.c.twin_at)


def _newest(*columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    return (
        sa.select(*columns)
        .outerjoin(devices, sa.and_(devices.c.tenant == epochs.c.tenant, devices.c.id == epochs.c.device))
        .where(epochs.c.tenant == sa.bindparam("of_tenant"), epochs.c.device == sa.bindparam("of_device"))
        .order_by(epochs.c.opened_at.desc())
        .limit(1)
    )


_NEWEST = _newest(*_COLUMNS)
_IN_ORDER = Prepared(_newest(epochs.c.epoch, devices.c.twin_at.is_(None)))
"""Every upload asks this; the rest is for those where something is not as always."""


class Twins:
    """The copied cards of one tenant."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog, self.tenant = catalog, catalog.tenant

    def look(self, c: sa.Connection, device: str, epoch: str, now: datetime) -> None:
        """Look whether an upload to a known epoch comes from an older image of the card, or from a second one."""
        last, trusted = _IN_ORDER.run(c, of_tenant=self.tenant, of_device=device).fetchone()
        if last == epoch and trusted:
            return
        newest = c.execute(_NEWEST, {"of_tenant": self.tenant, "of_device": device}).one()
        if newest.twin_at is not None and now - newest.twin_at > UNDER_WAY:
            self._both(c, device, epoch, newest.twin_at, now)
        if newest.epoch == epoch:
            return
        if now - newest.opened_at <= UNDER_WAY:
            return
        where = (devices.c.tenant == self.tenant, devices.c.id == device, devices.c.twin_at.is_(None))
        if not c.execute(sa.update(devices).where(*where).values(twin_at=now)).rowcount:
            return
        mine = (epochs.c.tenant == self.tenant, epochs.c.device == device, epochs.c.epoch == epoch)
        here = c.execute(sa.select(epochs.c.address).where(*mine)).scalar()
        told: dict[str, object] = {
            "epochs": [epoch, newest.epoch],
            "addresses": [here or "", newest.address or ""],
        }
        self._note(c, device, "older_copy", told, now)
        Leases(self.catalog).ending(c, device, "older_copy", now)
        tell_assignment(c, self.tenant, device)

    def _both(self, c: sa.Connection, device: str, epoch: str, since: datetime, now: datetime) -> None:
        """Say once that there are two cards: the epoch speaks that was the newest when an older one was heard.

        A single card that an older image was put back on never does: it begins an epoch of its own.
        """
        said = (audit.c.tenant == self.tenant, audit.c.actor == device, audit.c.at >= since)
        notes = sa.select(audit.c.what, audit.c.detail).where(*said, audit.c.what.in_(("older_copy", "twin")))
        found = {row.what: row.detail for row in c.execute(notes)}
        if "twin" not in found and epoch in found.get("older_copy", {}).get("epochs", ())[1:]:
            self._note(c, device, "twin", found["older_copy"], now)

    def trust(self, c: sa.Connection, device: str, by: str, now: datetime) -> None:
        """Give a kiosk its rights back: the operator says that one card is left."""
        where = (devices.c.tenant == self.tenant, devices.c.id == device, devices.c.twin_at.is_not(None))
        if not c.execute(sa.update(devices).where(*where).values(twin_at=None)).rowcount:
            raise HubError(
                f"{device} is no kiosk whose card is in doubt; `kiosk-hub enrol list` names them.", 1
            )
        # The older epochs are closed: the card that is left begins a new one, if it is in one of them.
        newest = sa.select(sa.func.max(epochs.c.opened_at)).where(
            epochs.c.tenant == self.tenant, epochs.c.device == device
        )
        older = (epochs.c.tenant == self.tenant, epochs.c.device == device)
        c.execute(
            sa.update(epochs).where(*older, epochs.c.opened_at < newest.scalar_subquery()).values(hash="")
        )
        self._note(c, by, "trusted", {"device": device}, now)
        tell_assignment(c, self.tenant, device)

    def _note(
        self, c: sa.Connection, actor: str, what: str, detail: dict[str, object], now: datetime
    ) -> None:
        c.execute(sa.insert(audit).values(tenant=self.tenant, at=now, actor=actor, what=what, detail=detail))


def tell_assignment(c: sa.Connection, tenant: str, device: str) -> None:
    """Put into a kiosk's feed where it stands, and whether it may decide alone."""
    row = c.execute(sa.select(devices).where(devices.c.tenant == tenant, devices.c.id == device)).one()
    body = {"store": row.store, "name": row.name, "locale": "zh_CN"}
    if row.twin_at is not None:
        body["suspended"] = True
    feed.put(c, tenant, "device", device, body, device)
