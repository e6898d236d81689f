"""How far the hub has the journals of a kiosk, epoch by epoch."""

from __future__ import annotations

import sqlalchemy as sa

from hub.schema import epochs


def others(c: sa.Connection, tenant: str, device: str, epoch: str) -> tuple[tuple[str, int], ...]:
    """Return a device's epochs but one, the oldest first, each with the last number that the hub has.

    Told to a kiosk of whose running epoch the hub has nothing: a hub restored from an older backup may lack the end of those, too.
    """
    query = (
        sa.select(epochs.c.epoch, epochs.c.seq)
        .where(epochs.c.tenant == tenant, epochs.c.device == device, epochs.c.epoch != epoch)
        .order_by(epochs.c.opened_at, epochs.c.epoch)
    )
    return tuple((str(row.epoch), int(row.seq)) for row in c.execute(query))
