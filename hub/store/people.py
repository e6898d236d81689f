"""People of the fleet console."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from hub.errors import HubError
from hub.schema import people
from hub.secrets import verifier, verify

ROLES = ("viewer", "staff", "manager", "operator", "owner")
MAY_CHANGE = ("manager", "operator", "owner")


def add(c: sa.Connection, tenant: str, name: str, role: str, password: str, now: datetime) -> None:
    """Add a person, or give one a new password and role."""
    if len(password) < 8:
        raise HubError("a password has at least 8 characters; choose a longer one.")
    values = {"role": role, "verifier": verifier(password)}
    where = (people.c.tenant == tenant, people.c.name == name)
    if not c.execute(sa.update(people).where(*where).values(**values)).rowcount:
        c.execute(sa.insert(people).values(tenant=tenant, name=name, created_at=now, **values))


def check(c: sa.Connection, tenant: str, name: str, password: str) -> str | None:
    """Return a person's role when the password is right."""
    row = c.execute(sa.select(people).where(people.c.tenant == tenant, people.c.name == name)).first()
    if row is None:
        verify(password, verifier("nobody"))  # the same time for a name that is not there
        return None
    return str(row.role) if verify(password, row.verifier) else None
