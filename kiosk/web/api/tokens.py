"""Tokens of programs: each with a name and rights of its own, shown once, revoked one by one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import msgspec

from kiosk.health.model import told
from kiosk.journal.clients import Client, ClientNameTaken
from kiosk.web.api import callers
from kiosk.web.api.callers import Scope
from kiosk.web.api.operation import Call, operation
from kiosk.web.api.problems import Problem


class TokenAsk(msgspec.Struct, frozen=True, kw_only=True):
    """POST /api/v1/tokens."""

    name: Annotated[
        str, msgspec.Meta(pattern=r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]{0,58}[^\s\x00-\x1f\x7f])?$")
    ]
    """What the program is called on the record."""
    scopes: Annotated[tuple[Scope, ...], msgspec.Meta(min_length=1, max_length=5)]
    days: Annotated[int, msgspec.Meta(ge=1, le=3660)] | None = None
    """How long it holds; null: until it is revoked."""


class TokenPath(msgspec.Struct, frozen=True):
    """A token: its id, the name of its program, or the token itself."""

    token: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]


class TokenRow(msgspec.Struct, frozen=True, kw_only=True):
    """A token without its secret."""

    id: str
    name: str
    scopes: tuple[str, ...]
    made_at: datetime
    ends_at: datetime | None
    revoked_at: datetime | None
    seen: str
    """The last day on which it was used, empty: never."""


class TokenMade(msgspec.Struct, frozen=True):
    """A fresh token; it is told this once."""

    token: str
    id: str
    name: str
    scopes: tuple[str, ...]
    ends_at: datetime | None


class TokenList(msgspec.Struct, frozen=True):
    """Tokens, those that hold first."""

    tokens: list[TokenRow]


def _row(c: Client) -> TokenRow:
    return TokenRow(
        id=c.id,
        name=c.name,
        scopes=c.scopes,
        made_at=c.made_at,
        ends_at=c.ends_at,
        revoked_at=c.revoked_at,
        seen=c.seen,
    )


@operation("GET", "tokens", "manage")
async def tokens(call: Call) -> TokenList:
    """List the tokens of programs, without their secrets."""
    return TokenList([_row(c) for c in await call.services.journal.clients()])


@operation("POST", "tokens", "manage", "name_taken", "shown_once", again="once")
async def make_token(call: Call, body: TokenAsk) -> TokenMade:
    """Let a program in: make its token, which is shown this once."""
    services = call.services
    ends = services.clock.trusted().at + timedelta(days=body.days) if body.days else None
    scopes = tuple(dict.fromkeys(body.scopes))
    client, token = callers.fresh(body.name, scopes, services, ends_at=ends)
    try:
        await services.journal.add_client(client)
    except ClientNameTaken:
        sentence = told(
            "there is a token for {name} already; revoke it, or choose another name.", name=body.name
        )
        raise Problem("name_taken", sentence) from None
    await call.note("token", client.id)
    return TokenMade(token, client.id, client.name, client.scopes, client.ends_at)


@operation("DELETE", "tokens/{token}", "manage", "unknown_token")
async def revoke_token(call: Call, path: TokenPath) -> TokenRow:
    """Revoke a token; the next request with it is refused."""
    journal, name = call.services.journal, callers.named(path.token)
    client = await journal.revoke_client(name)
    if client is None:
        raise Problem("unknown_token", told("there is no token {name} that holds.", name=name))
    await call.note("token_revoked", client.id)
    return _row(await journal.client(client.id) or client)
