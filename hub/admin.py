"""/admin: the fleet console."""

from __future__ import annotations

import hmac
import time
from collections import OrderedDict
from hashlib import sha256
from typing import Any

import msgspec
import sqlalchemy as sa
from aiohttp import web
from yarl import URL

from hub.device_api import PARTS
from hub.errors import HubError
from hub.parts import Parts, now
from hub.store import people, report
from ui.texts import negotiate

COOKIE = "console"
LIFE_S = 12 * 3600
TRIES = 5
WINDOW_S = 300.0


class Person(msgspec.Struct, frozen=True):
    """Who is signed in."""

    name: str
    role: str
    csrf: str

    @property
    def may_change(self) -> bool:
        """Tell whether the role may do more than look."""
        return self.role in people.MAY_CHANGE


class Guard:
    """Counts failed sign-ins a name and makes guessing slow."""

    def __init__(self) -> None:
        self._failed: OrderedDict[str, list[float]] = OrderedDict()

    def blocked(self, name: str) -> bool:
        """Tell whether a name has failed too often of late."""
        recent = [at for at in self._failed.get(name, []) if time.monotonic() - at < WINDOW_S]
        self._failed[name] = recent
        while len(self._failed) > 1000:
            self._failed.popitem(last=False)
        return len(recent) >= TRIES

    def fail(self, name: str) -> None:
        """Count a failure."""
        self._failed.setdefault(name, []).append(time.monotonic())


GUARD = web.AppKey("guard", Guard)


def add_routes(app: web.Application) -> None:
    """Add the console."""
    app[GUARD] = Guard()
    app.router.add_get("/admin", show)
    app.router.add_post("/admin/sign-in", sign_in)
    app.router.add_post("/admin/sign-out", sign_out)
    app.router.add_post("/admin/batch", change_batch)
    app.router.add_post("/admin/approve", approve)
    app.router.add_post("/admin/revoke", revoke)


def _mark(parts: Parts, text: str) -> str:
    return hmac.new(parts.vault.derive("console cookie"), text.encode(), sha256).hexdigest()


def person(request: web.Request) -> Person | None:
    """Return who is signed in."""
    parts = request.app[PARTS]
    raw, _, mark = request.cookies.get(COOKIE, "").rpartition(".")
    if not raw or not hmac.compare_digest(mark, _mark(parts, raw)):
        return None
    name, role, until = raw.split("|")
    if int(until) < time.time():
        return None
    return Person(name, role, _mark(parts, "csrf" + raw)[:32])


def _page(request: web.Request, name: str, status: int = 200, **context: Any) -> web.Response:
    from hub.people_pages import PAGES

    html = request.app[PAGES].render(name, negotiate(request.headers.get("Accept-Language")), **context)
    return web.Response(
        text=html, status=status, content_type="text/html", headers={"Cache-Control": "no-store"}
    )


async def show(request: web.Request) -> web.StreamResponse:
    """Show the console, or ask who is there."""
    who = person(request)
    if who is None:
        return _page(request, "admin_sign_in.html.jinja", wrong="")
    parts = request.app[PARTS]
    data = await parts.database.run(_load, parts)
    return _page(
        request, "admin.html.jinja", who=who, told=request.query.get("told", "")[:200], now=now(), **data
    )


def _load(c: sa.Connection, parts: Parts) -> dict[str, Any]:
    return {
        "merchant": parts.catalog.merchant(c),
        "stores": parts.catalog.stores(c),
        "batches": parts.catalog.batches(c),
        "devices": parts.devices.all(c),
        "conflicts": report.conflicts(c, parts.tenant),
    }


async def sign_in(request: web.Request) -> web.StreamResponse:
    """Check name and password."""
    parts, guard = request.app[PARTS], request.app[GUARD]
    form = await request.post()
    name = str(form.get("name", ""))[:64]
    if guard.blocked(name):
        return _page(request, "admin_sign_in.html.jinja", 429, wrong="blocked")
    role = await parts.database.run(people.check, parts.tenant, name, str(form.get("password", "")))
    if role is None:
        guard.fail(name)
        return _page(request, "admin_sign_in.html.jinja", 403, wrong="wrong")
    raw = f"{name}|{role}|{int(time.time()) + LIFE_S}"
    response = web.HTTPSeeOther("/admin")
    response.set_cookie(
        COOKIE,
        f"{raw}.{_mark(parts, raw)}",
        max_age=LIFE_S,
        httponly=True,
        samesite="Strict",
        secure=request.scheme == "https",
        path="/",
    )
    raise response


async def sign_out(request: web.Request) -> web.StreamResponse:
    """Forget who was there."""
    response = web.HTTPSeeOther("/admin")
    response.del_cookie(COOKIE)
    raise response


async def _allowed(request: web.Request) -> tuple[Parts, Person, Any]:
    """Return parts, person and form of a request that may change something."""
    who, form = person(request), await request.post()
    if who is None or not who.may_change or not hmac.compare_digest(str(form.get("csrf", "")), who.csrf):
        raise web.HTTPForbidden(text="sign in with a role that may change this, and try again.")
    return request.app[PARTS], who, form


async def _do(request: web.Request, work: Any, *args: Any) -> web.StreamResponse:
    parts = request.app[PARTS]
    told = ""
    try:
        await parts.database.run(work, *args)
    except HubError as err:
        told = str(err)
    parts.bell.ring()
    raise web.HTTPSeeOther(str(URL("/admin").with_query(told=told)) if told else "/admin")


async def change_batch(request: web.Request) -> web.StreamResponse:
    """Pause or restart a batch."""
    parts, _, form = await _allowed(request)
    status = "paused" if form.get("do") == "pause" else "running"
    return await _do(request, parts.catalog.set_status, str(form.get("stock_id", "")), status)


async def approve(request: web.Request) -> web.StreamResponse:
    """Let a kiosk in."""
    parts, who, form = await _allowed(request)
    return await _do(
        request, parts.devices.approve, str(form.get("code", "")), str(form.get("store", "")), who.name, now()
    )


async def revoke(request: web.Request) -> web.StreamResponse:
    """Shut a kiosk out."""
    parts, who, form = await _allowed(request)
    return await _do(request, parts.devices.revoke, str(form.get("device", "")), who.name, now())
