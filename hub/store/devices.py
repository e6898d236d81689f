"""Kiosks: enrolment, approval, who may speak."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from hub.errors import HubError, Refused
from hub.schema import audit, devices, stores, tokens
from hub.store import feed
from hub.store.catalog import Catalog
from kiosk.sync.protocol import Enrolled

CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LIFE = timedelta(minutes=15)
TOKEN_LIFE = timedelta(days=30)
State = Literal["pending", "accepted", "revoked"]


def token_hash(token: str) -> str:
    """Return what is kept of an enrolment token."""
    return hashlib.sha256(token.encode()).hexdigest()


class Devices:
    """The kiosks of one tenant."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog, self.tenant = catalog, catalog.tenant

    def get(self, c: sa.Connection, device: str) -> Any:
        """Return a device's row, or None."""
        return c.execute(
            sa.select(devices).where(devices.c.tenant == self.tenant, devices.c.id == device)
        ).first()

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
            c.execute(
                sa.insert(devices).values(
                    tenant=self.tenant, id=device, public_key=key, name=name[:60], state="pending", created_at=now,
                    fingerprint={str(k)[:32]: str(v)[:128] for k, v in list(fingerprint.items())[:8]},
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

    def _set(self, c: sa.Connection, device: str, **values: Any) -> None:
        c.execute(
            sa.update(devices).where(devices.c.tenant == self.tenant, devices.c.id == device).values(**values)
        )

    def _spend(self, c: sa.Connection, token: str, now: datetime) -> str | None:
        where = (tokens.c.tenant == self.tenant, tokens.c.hash == token_hash(token))
        row = c.execute(sa.select(tokens).where(*where)).first()
        if row is None or row.uses_left < 1 or row.until < now:
            raise Refused(
                "bad_token", "the enrolment token is unknown, used up or too old; ask for a new one.", 403
            )
        c.execute(sa.update(tokens).where(*where).values(uses_left=row.uses_left - 1))
        return str(row.store) if row.store else None

    def _accept(self, c: sa.Connection, device: str, store: str | None, by: str, now: datetime) -> None:
        self._set(c, device, state="accepted", store=store, code=None, code_until=None)
        c.execute(
            sa.insert(audit).values(
                tenant=self.tenant, at=now, actor=by, what="accept", detail={"device": device, "store": store}
            )
        )
        row = self.get(c, device)
        feed.put(
            c, self.tenant, "device", device, {"store": store, "name": row.name, "locale": "zh_CN"}, device
        )
        if store is None:
            return
        where = (stores.c.tenant == self.tenant, stores.c.id == store)
        if c.execute(
            sa.update(stores).where(*where, stores.c.home_device.is_(None)).values(home_device=device)
        ).rowcount:
            self.catalog.tell_store(c, store)

    def token(self, c: sa.Connection, store: str | None, uses: int, now: datetime) -> str:
        """Make an enrolment token."""
        if store is not None and self.catalog.store(c, store) is None:
            raise HubError(
                f"there is no store {store}; there are: {', '.join(s.id for s in self.catalog.stores(c)) or 'none'}.",
                1,
            )
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
            raise HubError(
                f"there is no store {store}; there are: {', '.join(s.id for s in self.catalog.stores(c)) or 'none'}.",
                1,
            )
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
        """Shut a device out."""
        if self.get(c, device) is None:
            raise HubError(f"there is no device {device}.", 1)
        self._set(c, device, state="revoked")
        c.execute(
            sa.insert(audit).values(
                tenant=self.tenant, at=now, actor=by, what="revoke", detail={"device": device}
            )
        )
