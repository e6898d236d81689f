"""One address of the local API: a typed handler, the right it needs, and what may go wrong; OpenAPI is made of the same.

The parameters of a handler say what it reads: `path`, `query` and `body` are msgspec types; what it returns is the answer.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
from aiohttp import web

from kiosk.counter.words import counter_texts
from kiosk.health.model import told
from kiosk.web.api.callers import Caller, Scope, demand, who
from kiosk.web.api.keys import KEYS, Again, key_of
from kiosk.web.api.problems import Problem
from kiosk.web.services import SERVICES, Services
from ui.marks import N_
from ui.texts import Texts, negotiate

BASE = "/api/v1/"
OCTETS = "application/octet-stream"
JSON = "application/json"
Handler = Callable[..., Awaitable[Any]]


@dataclass(frozen=True)
class Call:
    """One request of somebody who may ask."""

    request: web.Request
    services: Services
    caller: Caller
    key: str = ""
    """Its idempotency key; empty: none."""

    @property
    def t(self) -> Texts:
        """Return the texts in the caller's language; English unless Chinese is liked better."""
        return counter_texts(negotiate(self.request.headers.get("Accept-Language"), "en"))

    @property
    def name(self) -> str:
        """Return what the caller is called on the record."""
        return self.caller.name or counter_texts(self.services.settings.locale)(N_("Program of this kiosk"))

    async def note(self, what: str, rid: str = "") -> None:
        """Note on the record who did what."""
        await self.services.journal.note_act(self.caller.id, self.name, what, rid)


@dataclass(frozen=True)
class File:
    """An answer that is no JSON: bytes, or a file that is there."""

    body: bytes | Path
    media: str
    name: str = ""
    """As what it is saved; empty: it is shown."""


class Nothing(msgspec.Struct, frozen=True):
    """A body that says nothing: `{}`."""


@dataclass(frozen=True)
class Operation:
    """A handler and what is known of it."""

    method: str
    path: str
    handler: Handler
    scope: Scope | None
    """None: whoever reaches the kiosk."""
    problems: tuple[str, ...] = ()
    again: Again = "kept"
    secret: bool = False
    """The body holds a PIN or a passphrase."""
    unkept: Callable[[Any], bool] | None = None
    """Tells of a body that nothing may be kept of, not even a digest under an idempotency key."""
    media: tuple[str, ...] = ()
    """Content types of an answer that is no JSON."""
    takes: str = JSON
    """Content type of the body; what is no JSON is read by the handler, and has no idempotency key."""
    headers: tuple[str, ...] = ()
    """Request headers that it reads."""

    @property
    def address(self) -> str:
        """Return the whole path."""
        return self.path if self.path.startswith("/") else BASE + self.path

    @property
    def summary(self) -> str:
        """Return what it does, in one line."""
        return (self.handler.__doc__ or "").strip().splitlines()[0]

    @cached_property
    def types(self) -> dict[str, Any]:
        """Return the types of `path`, `query`, `body` and `return`."""
        hints = get_type_hints(self.handler, include_extras=True)
        return {k: v for k, v in hints.items() if k in ("path", "query", "body", "return")}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""
        services = request.app[SERVICES]
        caller = await who(request, services) if self.scope is not None else Caller(frozenset())
        if self.scope is not None:
            demand(caller, self.scope)
        given: dict[str, Any] = {}
        for place, read in (("path", self._path), ("query", self._query)):
            if place in self.types:
                given[place] = read(request)
        if self.takes != JSON and request.content_type != self.takes:
            raise _wrong_type(self.takes)
        if self.method != "POST" or self.takes != JSON:
            return _respond(await self.handler(Call(request, services, caller), **given))
        body = await self._body(request)
        if "body" in self.types:
            given["body"] = body
        key = key_of(request)
        call = Call(request, services, caller, key)

        async def do() -> web.Response:
            response = _respond(await self.handler(call, **given))
            assert isinstance(response, web.Response)
            return response

        if not key or (self.unkept is not None and self.unkept(body)):
            return await do()
        asked = msgspec.json.encode((request.path, given.get("query"), body))
        return await request.app[KEYS].once(services, caller, key, asked, self.again, self.secret, do)

    def _path(self, request: web.Request) -> Any:
        return msgspec.convert(dict(request.match_info), self.types["path"], strict=False)

    def _query(self, request: web.Request) -> Any:
        query = request.query
        if len(query) != len(set(query)):
            raise Problem("bad_request", told("a parameter of the address is there twice; send each once."))
        # Strict: a lax reader takes `null` for what was left out, and a number for a time.
        return msgspec.convert(dict(query), self.types["query"])

    async def _body(self, request: web.Request) -> Any:
        """Read JSON of the right type; a name that is there twice is refused (RFC 7493, 2.3): which one is meant?"""
        if request.content_type != "application/json":
            raise _wrong_type("application/json")
        raw = await request.read()
        body = msgspec.json.decode(raw or b"{}", type=self.types.get("body", Nothing))
        json.loads(raw or b"{}", object_pairs_hook=_unlike)
        return body


def _unlike(pairs: list[tuple[str, Any]]) -> None:
    if len(pairs) != len({name for name, _ in pairs}):
        raise Problem("bad_request", told("a name is there twice in the JSON; send each once."))


def _wrong_type(wanted: str) -> Problem:
    sentence = (
        told("send JSON, with Content-Type: application/json.")
        if wanted == "application/json"
        else told("send the file itself, with Content-Type: {type}.", type=wanted)
    )
    return Problem("not_json", sentence)


def served(op: Operation) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return what the router calls; it says about itself what the operation does."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return await op.handle(request)

    handle.__doc__ = op.summary
    return handle


def answer(value: Any, status: int = 200) -> web.Response:
    """Return a message as JSON."""
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")


def _respond(value: Any) -> web.StreamResponse:
    if isinstance(value, web.StreamResponse):
        return value
    if not isinstance(value, File):
        return answer(value)
    headers = {"Cache-Control": "no-store", "Content-Type": value.media}
    if value.name:
        headers["Content-Disposition"] = f'attachment; filename="{value.name}"'
    if isinstance(value.body, Path):
        return web.FileResponse(value.body, headers=headers)
    return web.Response(body=value.body, headers=headers)


def operation(
    method: str, path: str, scope: Scope | None, *problems: str, **more: Any
) -> Callable[[Handler], Operation]:
    """Make a handler an operation; `problems` are the codes that it may raise itself."""
    return lambda handler: Operation(method, path, handler, scope, problems, **more)
