"""/admin: the fleet console."""

from __future__ import annotations

import asyncio
import base64
import hmac
import time
from collections import OrderedDict
from hashlib import sha256
from typing import Any

import msgspec
import sqlalchemy as sa
from aiohttp import web

from hub.device_api import PARTS, address
from hub.errors import HubError, Refused
from hub.pages import page
from hub.parts import Parts, now
from hub.secrets import same
from hub.store import people, report
from hub.store.envelope import clean
from ui.forms import fields

COOKIE = "console"
LIFE_S = 12 * 3600
TRIES = 5
WINDOW_S = 300.0
NAMES_MAX = 10_000


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
    """Counts failed sign-ins a name and address and makes guessing slow: by the name alone anybody could shut an operator out."""

    def __init__(self) -> None:
        self._failed: OrderedDict[tuple[str, str], list[float]] = OrderedDict()

    def blocked(self, who: tuple[str, str]) -> bool:
        """Tell whether a name has failed too often of late from an address."""
        recent = [at for at in self._failed.get(who, ()) if time.monotonic() - at < WINDOW_S]
        return len(recent) >= TRIES

    def fail(self, who: tuple[str, str]) -> None:
        """Count a failure; of ten thousand the one that failed longest ago is forgotten."""
        recent = [at for at in self._failed.pop(who, ()) if time.monotonic() - at < WINDOW_S]
        self._failed[who] = [*recent, time.monotonic()]
        if len(self._failed) > NAMES_MAX:
            self._failed.popitem(last=False)


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
    app.router.add_post("/admin/trust", trust)
    app.router.add_post("/admin/give-up", give_up)
    app.router.add_post("/admin/rollback", roll_back)


def _mark(parts: Parts, *text: str) -> str:
    key = parts.vault.derive("console cookie")
    return hmac.new(key, "\n".join(text).encode(), sha256).hexdigest()


def _cookie(parts: Parts, account: people.Account) -> str:
    """Return who, until when, and a mark that dies with the password: a new one signs everybody out."""
    name = base64.urlsafe_b64encode(account.name.encode()).decode()
    until = str(int(time.time()) + LIFE_S)
    return f"{name}.{until}.{_mark(parts, account.name, until, account.verifier)}"


async def person(request: web.Request) -> Person | None:
    """Return who is signed in, with the role as it is now."""
    parts = request.app[PARTS]
    words = request.cookies.get(COOKIE, "").split(".")
    if len(words) != 3:
        return None
    name, until, mark = words
    try:
        plain = base64.urlsafe_b64decode(name.encode("ascii")).decode()
        late = int(until) < time.time()
    except ValueError:
        return None
    account = None if late else await parts.database.run(people.find, parts.tenant, plain)
    if account is None or not same(mark, _mark(parts, account.name, until, account.verifier)):
        return None
    return Person(account.name, account.role, _mark(parts, "csrf", mark)[:32])


async def show(request: web.Request) -> web.StreamResponse:
    """Show the console, or ask who is there."""
    who = await person(request)
    if who is None:
        return page(request, "admin_sign_in.html.jinja", wrong="")
    return await _console(request, who, "")


async def _console(request: web.Request, who: Person, told: str, status: int = 200) -> web.Response:
    parts = request.app[PARTS]
    data = await parts.database.run(_load, parts)
    return page(request, "admin.html.jinja", status, who=who, told=told, now=now(), **data)


def _load(c: sa.Connection, parts: Parts) -> dict[str, Any]:
    stores = parts.catalog.stores(c)
    return {
        "merchant": parts.catalog.merchant(c),
        "stores": stores,
        "names": {s.id: s.name for s in stores},
        "batches": parts.catalog.batches(c),
        "paused": parts.catalog.paused_stores(c),
        "devices": parts.devices.all(c),
        "conflicts": report.conflicts(c, parts.tenant),
        "redemptions": report.latest(c, parts.tenant),
        "unconfirmed": report.unconfirmed(c, parts.tenant),
        "notes": report.notes(c, parts.tenant),
    }


async def _form(request: web.Request) -> dict[str, str]:
    raw = await request.read()
    try:
        return fields(request.content_type, raw)
    except ValueError:
        raise web.HTTPBadRequest(text="the form cannot be read.") from None


def _same_site(request: web.Request) -> bool:
    """Tell whether a browser says that a page of ours, or no page, asks (Fetch Metadata; without it RFC 6454 Origin)."""
    if site := request.headers.get("Sec-Fetch-Site"):
        return site in ("none", "same-origin")
    origin = request.headers.get("Origin")
    return origin is None or origin.partition("://")[2] == request.host


async def sign_in(request: web.Request) -> web.StreamResponse:
    """Check name and password."""
    if not _same_site(request):  # a page elsewhere could shut an operator's own address out by guessing
        raise web.HTTPForbidden(text="sign in at the console's own page.")
    parts, guard, form = request.app[PARTS], request.app[GUARD], await _form(request)
    name = form.get("name", "").strip()[:64]
    who = (name, address(request))
    if guard.blocked(who):
        return page(request, "admin_sign_in.html.jinja", 429, wrong="blocked")
    account = await parts.database.run(people.find, parts.tenant, name)
    # Beside the loop and the database: a flood of sign-ins must not hold up redemptions.
    if not await asyncio.to_thread(people.right, account, form.get("password", "")) or account is None:
        guard.fail(who)
        return page(request, "admin_sign_in.html.jinja", 403, wrong="wrong")
    response = web.HTTPSeeOther("/admin")
    response.set_cookie(
        COOKIE,
        _cookie(parts, account),
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


async def _allowed(request: web.Request) -> tuple[Parts, Person, dict[str, str]]:
    """Return parts, person and form of a request that may change something."""
    who, form = await person(request), await _form(request)
    if who is None or not who.may_change or not same(form.get("csrf", ""), who.csrf):
        raise web.HTTPForbidden(text="sign in with a role that may change this, and try again.")
    return request.app[PARTS], who, form


async def _do(request: web.Request, who: Person, told: str, work: Any, *args: Any) -> web.StreamResponse:
    """Do it and show the console again; what cannot be done is said by `told`."""
    parts = request.app[PARTS]
    try:
        await parts.database.run(work, *args)
    except (HubError, Refused) as err:
        if isinstance(err, HubError) and err.code == 4:
            raise
        return await _console(request, who, told, 409)
    parts.bell.ring()
    raise web.HTTPSeeOther("/admin")


async def change_batch(request: web.Request) -> web.StreamResponse:
    """Pause or restart a batch."""
    parts, who, form = await _allowed(request)
    status = "paused" if form.get("do") == "pause" else "running"
    stock_id = clean(form.get("stock_id", ""))
    return await _do(request, who, "batch", parts.catalog.set_status, stock_id, status)


async def approve(request: web.Request) -> web.StreamResponse:
    """Let a kiosk in."""
    parts, who, form = await _allowed(request)
    code, store = clean(form.get("code", "")), clean(form.get("store", ""))
    return await _do(request, who, "approve", parts.devices.approve, code, store, who.name, now())


async def revoke(request: web.Request) -> web.StreamResponse:
    """Shut a kiosk out."""
    parts, who, form = await _allowed(request)
    device = clean(form.get("device", ""))
    return await _do(request, who, "revoke", parts.devices.revoke, device, who.name, now())


async def trust(request: web.Request) -> web.StreamResponse:
    """Let a kiosk decide alone again whose card was in doubt."""
    parts, who, form = await _allowed(request)
    device = clean(form.get("device", ""))
    return await _do(request, who, "trust", parts.devices.trust, device, who.name, now())


async def give_up(request: web.Request) -> web.StreamResponse:
    """Free the use of an approval that was never recorded."""
    parts, who, form = await _allowed(request)
    rid = clean(form.get("rid", ""))
    return await _do(request, who, "give_up", parts.acts.give_up, rid, who.name, now())


async def roll_back(request: web.Request) -> web.StreamResponse:
    """Undo a redemption."""
    parts, who, form = await _allowed(request)
    rid, why = clean(form.get("rid", ""))[:32], clean(form.get("why", ""))
    return await _do(request, who, "rollback", _undo_once, parts, rid, why, who.name)


def _undo_once(c: sa.Connection, parts: Parts, rid: str, why: str, by: str) -> None:
    if parts.acts.roll_back(c, rid, why, by, now()).again:
        raise Refused("again", "that redemption was undone before.", 409)
