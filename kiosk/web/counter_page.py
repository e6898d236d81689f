"""`/`: the counter page; its stream of views and its proof of what it shows are in the local API."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from kiosk.counter.dress import KINDS
from kiosk.web.services import PAGES, SERVICES
from ui.routes import FOREVER, HEADERS
from ui.texts import everything

SIGNS = "￥¥·…:/0123456789-.,%"
"""What the page's script adds to the texts of a view."""
FRAMED = {
    "Content-Security-Policy": HEADERS["Content-Security-Policy"].replace(
        "frame-ancestors 'none'", "frame-ancestors 'self'"
    ),
    "Cache-Control": "no-store",
}
"""The page of simulated devices shows the counter page in a frame."""


class ProofReport(msgspec.Struct, frozen=True):
    """POST /api/v1/counter/proof: what a page read back from its own pixels."""

    seq: int
    bits: str
    frame: int
    visible: bool
    page: str = ""
    """The name that the keeper of the screen gave the page in its browser."""
    load: str = ""
    """Another one each time a page is loaded: frames are counted from there."""


def add_routes(app: web.Application) -> None:
    """Add the page."""
    app.router.add_get("/", page)
    app.router.add_get("/counter/logo", logo)
    app.router.add_get(r"/counter/pictures/{name:[^/]+}", picture)


def dressed(app: web.Application, view: dict[str, Any]) -> dict[str, Any]:
    """Return a view with the address of its font, which holds all texts of the kiosk and all names of the view.

    An outcome made of known words and names so needs no new font: it is on the glass as soon as it arrives.
    """
    names = json.dumps(
        [view["merchant"], view["store"], view["batches"], view["outcome"], view["words"], view["slip"]],
        ensure_ascii=False,
    )
    known = everything("kiosk", "kiosk", view["locale"]) + everything("ui", "ui", view["locale"])
    return {**view, "font": app[PAGES].font_css(known + SIGNS + names)}


def of_caller(request: web.Request, view: dict[str, Any]) -> dict[str, Any]:
    """Return a view as its caller may have it: how much was claimed and redeemed, and the code of the enrolment, stay on this machine."""
    if request.app[SERVICES].door.is_local(request):
        return view
    tickets = [{k: v for k, v in b.items() if k not in ("claimed", "redeemed")} for b in view["batches"]]
    return {**view, "batches": tickets, "status": {**view["status"], "code": None}}


async def page(request: web.Request) -> web.StreamResponse:
    """Show the counter page with its first view."""
    services = request.app[SERVICES]
    view = dressed(request.app, of_caller(request, services.show.view))
    html = request.app[PAGES].render("counter.html.jinja", view["locale"], view=view, font=view["font"])
    return web.Response(text=html, content_type="text/html", headers=FRAMED)


async def logo(request: web.Request) -> web.StreamResponse:
    """Give the merchant's logo."""
    path = Path(request.app[SERVICES].settings.screen.logo)
    if path.suffix.lower() not in KINDS or not await asyncio.to_thread(path.is_file):
        raise web.HTTPNotFound
    return web.FileResponse(path, headers={"Cache-Control": FOREVER})


async def picture(request: web.Request) -> web.StreamResponse:
    """Give one of the merchant's own pictures or clips."""
    services = request.app[SERVICES]
    known = {p.name for p in await asyncio.to_thread(services.dress.pictures)}
    if (name := request.match_info["name"]) not in known:
        raise web.HTTPNotFound
    return web.FileResponse(
        Path(services.settings.screen.pictures) / name, headers={"Cache-Control": FOREVER}
    )
