"""Who calls the local API, and what that allows: this machine, its owner over the Unix socket, programs with a token."""

from __future__ import annotations

import hmac
import os
import secrets
import socket
import struct
from hashlib import sha256
from typing import Literal, get_args

import msgspec
from aiohttp import web

from kiosk.coupons.ids import new_rid
from kiosk.health.model import told
from kiosk.journal.clients import Client
from kiosk.web.api.problems import Problem
from kiosk.web.door import as_bytes
from kiosk.web.services import Services
from ui.money import local

Scope = Literal["read", "redeem", "print", "undo", "manage"]
ALL: frozenset[Scope] = frozenset(get_args(Scope))
HERE: frozenset[Scope] = ALL - {"manage", "undo"}
"""What any program of the machine may: what the counter does all day. To undo is a manager's, keys, people and settings its owner's."""
PREFIX = "kt_"
CREDENTIALS = struct.Struct("3i")
"""Process, user and group of a peer (unix(7), SO_PEERCRED)."""


class Caller(msgspec.Struct, frozen=True):
    """One who asks: the client's id and name are empty for programs of the machine without a token."""

    scopes: frozenset[str]
    id: str = ""
    name: str = ""

    @property
    def place(self) -> str:
        """Return whose keys and request numbers these are: a token's, the owner's, or those of this machine's programs."""
        return self.id or ("-owner" if "manage" in self.scopes else "")


def fresh(name: str, scopes: tuple[Scope, ...], services: Services, **more: object) -> tuple[Client, str]:
    """Return a new client and its token, `kt_ID_SECRET`, which nobody can tell again."""
    secret, number = secrets.token_urlsafe(32), new_rid()[:8]
    client = Client(
        id=number,
        name=name,
        digest=sha256(secret.encode()).hexdigest(),
        scopes=scopes,
        made_at=services.clock.trusted().at,
        **more,  # type: ignore[arg-type]
    )
    return client, f"{PREFIX}{number}_{secret}"


async def who(request: web.Request, services: Services) -> Caller:
    """Return who asks; Problem when nobody knows."""
    word, _, token = request.headers.get("Authorization", "").partition(" ")
    if word == "Bearer" and token:
        return await _bearer(token, services)
    if (user := peer(request)) is not None:
        return Caller(ALL if user in (0, os.geteuid()) else HERE)
    if services.door.is_local(request):
        return Caller(HERE)
    raise _unknown()


def named(token: str) -> str:
    """Return the id in a token; anything else names itself."""
    return token.removeprefix(PREFIX).partition("_")[0] if token.startswith(PREFIX) else token


def _unknown() -> Problem:
    return Problem(
        "unauthorized",
        told("only this machine may ask that; from elsewhere send a token (`kiosk token make`)."),
        {"WWW-Authenticate": "Bearer"},
    )


async def _bearer(token: str, services: Services) -> Caller:
    if services.door.owns(token):
        return Caller(ALL)
    secret = token.removeprefix(PREFIX).partition("_")[2]
    client = await services.journal.client(named(token)) if token.startswith(PREFIX) else None
    given = sha256(as_bytes(secret)).hexdigest()
    if client is None or not hmac.compare_digest(client.digest, given):
        raise _unknown()
    headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    now = services.clock.trusted().at
    if client.revoked_at is not None:
        raise Problem(
            "token_revoked",
            told("the token of {name} was revoked; ask a manager for a new one.", name=client.name),
            headers,
        )
    if client.ends_at is not None and client.ends_at <= now:
        raise Problem(
            "token_ended",
            told(
                "the token of {name} ended on {day}; ask a manager for a new one.",
                name=client.name,
                day=local(client.ends_at).date(),
            ),
            headers,
        )
    await services.journal.see_client(client, local(now).date().isoformat())
    return Caller(frozenset(client.scopes), client.id, client.name)


def peer(request: web.Request) -> int | None:
    """Return the user at the other end of the Unix socket; None when the request came another way."""
    sock = request.transport.get_extra_info("socket") if request.transport is not None else None
    if sock is None or sock.family != socket.AF_UNIX:
        return None
    _, user, _ = CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size))
    return int(user)


def demand(caller: Caller, scope: Scope) -> None:
    """Refuse a caller without a right."""
    if scope not in caller.scopes:
        has = ", ".join(sorted(caller.scopes)) or "-"
        raise Problem(
            "forbidden",
            told("that needs the right {scope}; this caller has: {has}.", scope=scope, has=has),
            {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'},
        )
