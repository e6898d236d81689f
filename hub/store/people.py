"""People of the fleet console."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache

import msgspec
import sqlalchemy as sa

from hub.errors import HubError
from hub.schema import people
from hub.secrets import verifier, verify

ROLES = ("viewer", "staff", "manager", "operator", "owner")
MAY_CHANGE = ("manager", "operator", "owner")
_C = r"\x00-\x1f\x7f\ud800-\udfff"
_NAME = re.compile(rf"[^\s{_C}](?:[^{_C}]{{0,62}}[^\s{_C}])?")
PASSWORD_MAX = 200


class Account(msgspec.Struct, frozen=True):
    """Who may sign in, and what is kept of the password."""

    name: str
    role: str
    verifier: str


def add(c: sa.Connection, tenant: str, name: str, role: str, password: str, now: datetime) -> None:
    """Add a person, or give one a new password and role."""
    if not _NAME.fullmatch(name):
        raise HubError(
            "a name has 1 to 64 characters, none of them a control character, no blank at its ends; choose another."
        )
    if not 8 <= len(password) <= PASSWORD_MAX:
        raise HubError(f"a password has 8 to {PASSWORD_MAX} characters; choose another one.")
    values = {"role": role, "verifier": verifier(password)}
    where = (people.c.tenant == tenant, people.c.name == name)
    if not c.execute(sa.update(people).where(*where).values(**values)).rowcount:
        c.execute(sa.insert(people).values(tenant=tenant, name=name, created_at=now, **values))


def find(c: sa.Connection, tenant: str, name: str) -> Account | None:
    """Return a person's account."""
    if not _NAME.fullmatch(name):
        return None
    row = c.execute(sa.select(people).where(people.c.tenant == tenant, people.c.name == name)).first()
    return None if row is None else Account(row.name, row.role, row.verifier)


def right(account: Account | None, password: str) -> bool:
    """Tell whether a password is right; it takes the same time when there is no such person. Runs for 40 ms: not on the loop."""
    kept = _nobody() if account is None else account.verifier
    return verify(password[:PASSWORD_MAX], kept) and account is not None and len(password) <= PASSWORD_MAX


@lru_cache(maxsize=1)
def _nobody() -> str:
    return verifier("nobody")
