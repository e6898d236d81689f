"""What every page of the console has: a visitor, a language, a frame, and changes that come from our own pages only."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import lru_cache
from html import unescape
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from kiosk.config import ConfigError, Settings, load
from kiosk.counter import words
from kiosk.counter.backup import STAGED
from kiosk.web.door import Refused, Visitor
from kiosk.web.local_api import answer
from kiosk.web.services import PAGES, SERVICES, Services
from ui.forms import fields
from ui.marks import N_
from ui.routes import HEADERS
from ui.texts import Texts, negotiate

HEADS = {
    "Cache-Control": "no-store",
    "Permissions-Policy": HEADERS["Permissions-Policy"].replace("camera=()", "camera=(self)"),
}
"""The camera is for the console's pages alone, and only when somebody taps for it."""
TABS = (
    ("", "scan", N_("Redeem")),
    ("coupons", "ticket", N_("Coupons")),
    ("records", "records", N_("Records")),
    ("stands", "stand", N_("Stands")),
    ("devices", "printed", N_("Devices")),
    ("settings", "settings", N_("Settings")),
)
LIVE = "0123456789￥¥.,:·-–%/()"
"""Characters that figures of a live page may bring."""


class Visit(msgspec.Struct, frozen=True):
    """One request of a person."""

    request: web.Request
    services: Services
    visitor: Visitor
    t: Texts

    @property
    def name(self) -> str:
        """Return what the person is called on the record."""
        return self.visitor.person.name or words.counter_texts(self.services.settings.locale)(N_("Manager"))

    @property
    def manages(self) -> bool:
        """Tell whether a manager asks."""
        return self.visitor.manages

    async def note(self, what: str, rid: str = "") -> None:
        """Note on the record who did what."""
        await self.services.journal.note_act(self.visitor.person.id, self.name, what, rid)


Page = Callable[[Visit], Awaitable[web.StreamResponse]]
Change = Callable[[Visit, bytes], Awaitable[web.StreamResponse]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def texts_for(request: web.Request) -> Texts:
    """Return the texts in the language that the browser likes."""
    return words.counter_texts(negotiate(request.headers.get("Accept-Language")))


async def visit(request: web.Request) -> Visit | None:
    """Return who asks, None without a session."""
    services = request.app[SERVICES]
    visitor = await services.door.visitor(request)
    return None if visitor is None else Visit(request, services, visitor, texts_for(request))


def page(handler: Page) -> Handler:
    """Show a page to people with a session, the question for the PIN to others."""

    async def shown(request: web.Request) -> web.StreamResponse:
        if (visiting := await visit(request)) is None:
            return sign_in_page(request)
        try:
            return await handler(visiting)
        except Refused as err:
            told = await show(visiting, "staff_notice.html.jinja", "", message=str(err))
            told.set_status(err.status)
            return told

    shown.__doc__ = handler.__doc__
    return shown


def own(handler: Page, *, manager: bool = False) -> Handler:
    """Give a file or a stream to people with a session; one sentence to others."""

    async def given(request: web.Request) -> web.StreamResponse:
        return await handler(await _known(request, manager))

    given.__doc__ = handler.__doc__
    return given


def change(handler: Change, *, manager: bool = False, stream: bool = False) -> Handler:
    """Let only a page of ours with a session change something; `manager`: only managers; `stream`: the body is not read here."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        visiting = await _known(request, manager)
        token = request.headers.get("X-CSRF", "")
        if not visiting.services.door.is_ours(request, visiting.visitor, token):
            raise Refused(
                403, "csrf", visiting.t("That did not come from this console; load the page again.")
            )
        return await handler(visiting, b"" if stream else await _body(visiting))

    guarded.__doc__ = handler.__doc__
    return guarded


async def form(request: web.Request) -> dict[str, str]:
    """Read a form as our pages post it, without files and in UTF-8; what else comes there is refused before it is taken apart."""
    raw = await request.read()
    try:
        return fields(request.content_type, raw)
    except ValueError:
        sentence = N_("The kiosk does not understand what this page asks; load the page again.")
        raise Refused(400, "bad_request", texts_for(request)(sentence)) from None


async def _body(visiting: Visit) -> bytes:
    try:
        return await visiting.request.read()
    except web.HTTPRequestEntityTooLarge:
        raise Refused(413, "large", visiting.t("That is more than a form of this page holds.")) from None


async def _known(request: web.Request, manager: bool) -> Visit:
    visiting = await visit(request)
    if visiting is None:
        t = texts_for(request)
        raise Refused(401, "signed_out", t("The session is over; sign in again."))
    if manager and not visiting.manages:
        raise Refused(403, "manager", visiting.t("Only a manager may do that."))
    return visiting


def done(ok: bool, message: str, **more: Any) -> web.StreamResponse:
    """Answer a change with a sentence."""
    return answer({"ok": ok, "message": message, **more})


def sign_in_page(request: web.Request, wrong: str = "", status: int = 200) -> web.Response:
    """Ask for the PIN."""
    return bare(request, "staff_sign_in.html.jinja", status, wrong=wrong)


def bare(request: web.Request, name: str, status: int, **context: Any) -> web.Response:
    """Show a page without the frame, to somebody without a session."""
    return _respond(request, name, status, "", "", **context)


async def show(
    visiting: Visit, name: str, tab: str, spare: str = "", bold: str = "", **context: Any
) -> web.Response:
    """Show a page in the frame; `spare` are texts that its script may show later, `bold` those that it shows in bold only."""
    services, t = visiting.services, visiting.t
    place, merchant = await services.place(), await services.journal.merchant()
    view = services.show.view
    frame = {
        "tab": tab,
        "tabs": [
            {"path": f"/staff/{p}".rstrip("/"), "id": p, "icon": i, "title": t(title)} for p, i, title in TABS
        ],
        "merchant": merchant.name if merchant else "",
        "store": place.store.name if place.store else "",
        "person": visiting.visitor.person.name or t("Manager"),
        "manages": visiting.manages,
        "csrf": services.door.csrf(visiting.visitor.session),
        "hub": view.get("status", {}).get("hub", "none"),
        "waits": visiting.manages and _waits(services),
    }
    return _respond(visiting.request, name, 200, spare, bold, **frame, **context)


def _waits(services: Services) -> bool:
    """Tell whether kiosk.toml says something else than what the kiosk runs with, or a backup is laid ready."""
    if (services.data_dir / STAGED).is_dir():
        return True
    if services.config is None:
        return False
    try:
        return written(services.config, services.config.stat().st_mtime_ns) != services.settings
    except (OSError, ConfigError):
        return False  # a file that cannot be read is the doctor's finding, and a restart would not help


@lru_cache(maxsize=2)
def written(config: Path, changed: int) -> Settings:
    """Return what the file says; read once for each time that it was changed (nanoseconds)."""
    return load(config).value


def _respond(
    request: web.Request, name: str, status: int, spare: str, bold: str, **context: Any
) -> web.Response:
    """Render a page; its fonts hold what is on it and what its script may show: 60 KB for each weight, were they for the same texts."""
    locale = negotiate(request.headers.get("Accept-Language"))
    pages = request.app[PAGES]
    html = pages.render(name, locale, font="@@plain@@", **context)
    shown = re.findall(r'(?:placeholder|title|aria-label|value|data-[a-z-]+)="([^"]*)"', html)
    text = unescape(re.sub(r"<[^>]*>", " ", html) + "".join(shown)) + LIVE + spare
    html = html.replace("@@plain@@", pages.font_css(text, (400,)), 1)
    html = html.replace("@@bold@@", pages.font_css(text + bold, (700,)), 1)
    return web.Response(text=html, status=status, content_type="text/html", headers=HEADS)
