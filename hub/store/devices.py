"""Kiosks: enrolment, approval, who may speak."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa

from hub.errors import HubError, Refused
from hub.schema import audit, devices, stores, tokens
from hub.store.catalog import Catalog
from hub.store.envelope import clean
from hub.store.homes import inherit, orphan
from hub.store.leases import Leases
from hub.store.prepared import Prepared
from hub.store.twins import Twins, tell_assignment
from kiosk.sync.protocol import Enrolled

CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LIFE = timedelta(minutes=15)
TOKEN_LIFE = timedelta(days=30)
_DEVICE = sa.select(devices).where(
    devices.c.tenant == sa.bindparam("of_tenant"), devices.c.id == sa.bindparam("of_device")
)
_DOOR = Prepared(
    sa.select(devices.c.public_key, devices.c.state, devices.c.store).where(
        devices.c.tenant == sa.bindparam("of_tenant"), devices.c.id == sa.bindparam("of_device")
    )
)
State = Literal["pending", "accepted", "revoked"]
PENDING_MAX = 500
"""Kiosks that may wait at once: anybody on the internet can ask to be let in."""
PENDING_LIFE = timedelta(days=1)
"""A kiosk that still waits asks again every few seconds and is back at once."""


class Caller(NamedTuple):
    """A device at the door."""

    public_key: bytes
    state: State
    store: str | None


def token_hash(token: str) -> str:
    """Return what is kept of an enrolment token."""
    return hashlib.sha256(token.encode()).hexdigest()


class Devices:
    """The kiosks of one tenant."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog, self.tenant = catalog, catalog.tenant
        self.trust = Twins(catalog).trust

    def get(self, c: sa.Connection, device: str) -> Any:
        """Return a device's row, or None."""
        return c.execute(_DEVICE, {"of_tenant": self.tenant, "of_device": device}).first()

    def at_the_door(self, c: sa.Connection, device: str) -> Caller | None:
        """Return what every request of a device is let in by."""
        row = _DOOR.run(c, of_tenant=self.tenant, of_device=device).fetchone()
        return None if row is None else Caller(bytes(row[0]), row[1], row[2])

    def all(self, c: sa.Connection) -> list[Any]:
        """Return every device, the newest first."""
        query = (
            sa.select(devices).where(devices.c.tenant == self.tenant).order_by(devices.c.created_at.desc())
        )
        return list(c.execute(query))

    def enrol(
        self,
        c: sa.Connection,
        device: str,
        key: bytes,
        name: str,
        token: str | None,
        fingerprint: dict[str, str],
        now: datetime,
    ) -> Enrolled:
        """Let a device in, or keep it waiting with a code; asking again changes nothing but a fresh code."""
        row = self.get(c, device)
        if row is None:
            self._make_room(c, now)
            c.execute(
                sa.insert(devices).values(
                    tenant=self.tenant, id=device, public_key=key, name=clean(name)[:60], state="pending", created_at=now,
                    fingerprint={clean(k)[:32]: clean(v)[:128] for k, v in list(fingerprint.items())[:8]},
                )
            )  # fmt: skip
            row = self.get(c, device)
        if row.state == "pending" and token:
            self._accept(c, device, self._spend(c, token, now), "token", now)
        elif row.state == "pending" and (row.code_until is None or row.code_until < now):
            code = "".join(secrets.choice(CODE_LETTERS) for _ in range(8))
            self._set(c, device, code=code, code_until=now + CODE_LIFE)
        row = self.get(c, device)
        return Enrolled(device, row.state, now, row.code if row.state == "pending" else None, row.store)

    def _make_room(self, c: sa.Connection, now: datetime) -> None:
        waiting = (devices.c.tenant == self.tenant, devices.c.state == "pending")
        c.execute(sa.delete(devices).where(*waiting, devices.c.created_at < now - PENDING_LIFE))
        if (
            c.execute(sa.select(sa.func.count()).select_from(devices).where(*waiting)).scalar_one()
            >= PENDING_MAX
        ):
            raise Refused("busy", "too many kiosks wait to be let in; try again later.", 429, keep=True)

    def _set(self, c: sa.Connection, device: str, **values: Any) -> None:
        c.execute(
            sa.update(devices).where(devices.c.tenant == self.tenant, devices.c.id == device).values(**values)
        )

    def _spend(self, c: sa.Connection, token: str, now: datetime) -> str | None:
        where = (tokens.c.tenant == self.tenant, tokens.c.hash == token_hash(token))
        good = (tokens.c.uses_left > 0, tokens.c.until >= now)
        if not c.execute(
            sa.update(tokens).where(*where, *good).values(uses_left=tokens.c.uses_left - 1)
        ).rowcount:
            raise Refused(
                "bad_token", "the enrolment token is unknown, used up or too old; ask for a new one.", 403
            )
        store = c.execute(sa.select(tokens.c.store).where(*where)).scalar_one()
        return None if store is None else str(store)

    def _accept(self, c: sa.Connection, device: str, store: str | None, by: str, now: datetime) -> None:
        self._set(c, device, state="accepted", store=store, code=None, code_until=None)
        c.execute(
            sa.insert(audit).values(
                tenant=self.tenant, at=now, actor=by, what="accept", detail={"device": device, "store": store}
            )
        )
        tell_assignment(c, self.tenant, device)
        if store is None:
            return
        self.catalog.tell_device(c, device, store)
        where = (stores.c.tenant == self.tenant, stores.c.id == store)
        if c.execute(
            sa.update(stores).where(*where, stores.c.home_device.is_(None)).values(home_device=device)
        ).rowcount:
            self.catalog.tell_store(c, store)
            inherit(c, self.catalog, store, device)

    def token(self, c: sa.Connection, store: str | None, uses: int, now: datetime) -> str:
        """Make an enrolment token."""
        if store is not None and self.catalog.store(c, store) is None:
            raise self.catalog.no_store(c, store)
        token = secrets.token_urlsafe(24)
        c.execute(
            sa.insert(tokens).values(
                tenant=self.tenant,
                hash=token_hash(token),
                store=store,
                uses_left=uses,
                until=now + TOKEN_LIFE,
            )
        )
        return token

    def approve(self, c: sa.Connection, code: str, store: str, by: str, now: datetime) -> str:
        """Let the device in that shows a code."""
        if self.catalog.store(c, store) is None:
            raise self.catalog.no_store(c, store)
        where = (
            devices.c.tenant == self.tenant,
            devices.c.code == code.strip().upper(),
            devices.c.state == "pending",
        )
        row = c.execute(sa.select(devices).where(*where)).first()
        if row is None or row.code_until < now:
            raise HubError(
                f"no kiosk waits with the code {code}; codes hold for 15 minutes, look at its screen again.",
                1,
            )
        self._accept(c, row.id, store, by, now)
        return str(row.id)

    def revoke(self, c: sa.Connection, device: str, by: str, now: datetime) -> None:
        """Shut a device out: its pool dies with it.

        Its store's home goes to the kiosk there that was let in first, and so do the slips of it that are out and nobody has used,
        once it has said that it decides nothing alone any more; until then they are good at every kiosk that asks the hub.
        """
        row = self.get(c, device)
        if row is None:
            raise HubError(f"there is no device {device}; `kiosk-hub enrol list` names them.", 1)
        if row.state == "revoked":
            return
        self._set(c, device, state="revoked", code=None, code_until=None)
        # Leases before coupons, as everywhere: who takes them in another order could wait for this, and this for it.
        Leases(self.catalog).ending(c, device, "revoked", now)
        orphan(c, self.tenant, device)
        self._pass_home(c, device)
        home = sa.select(stores.c.home_device).where(stores.c.tenant == self.tenant, stores.c.id == row.store)
        if (heir := c.execute(home).scalar()) is not None:
            inherit(c, self.catalog, row.store, heir)
        # It may not read this any more; that its log moves ends the request that it is held by.
        tell_assignment(c, self.tenant, device)
        c.execute(
            sa.insert(audit).values(
                tenant=self.tenant, at=now, actor=by, what="revoke", detail={"device": device}
            )
        )

    def _pass_home(self, c: sa.Connection, device: str) -> None:
        homes = c.execute(
            sa.select(stores.c.id).where(stores.c.tenant == self.tenant, stores.c.home_device == device)
        )
        for store in homes.scalars().all():
            where = (devices.c.tenant == self.tenant, devices.c.store == store, devices.c.state == "accepted")
            heir = c.execute(
                sa.select(devices.c.id).where(*where).order_by(devices.c.created_at, devices.c.id).limit(1)
            ).scalar()
            c.execute(
                sa.update(stores)
                .where(stores.c.tenant == self.tenant, stores.c.id == store)
                .values(home_device=heir)
            )
            self.catalog.tell_store(c, store)
