"""/staff/slip/KIND.png: what a slip looks like here, dot for dot, before anybody prints one."""

from __future__ import annotations

import asyncio

from aiohttp import web

from kiosk.counter.day_report import today
from kiosk.counter.previews import KINDS, Known, preview
from kiosk.counter.slips import stored_logo
from kiosk.health.summary import lines
from kiosk.printing.pictures import load_pictures
from kiosk.printing.profiles import PROFILES
from kiosk.printing.render import render
from kiosk.web.door import Refused
from kiosk.web.services import SERVICES, Services
from kiosk.web.staff.frame import texts_for


def add_routes(app: web.Application) -> None:
    """Add the pictures."""
    app.router.add_get(r"/staff/slip/{kind:[a-z-]+}.png", picture)


async def picture(request: web.Request) -> web.StreamResponse:
    """Draw one slip for the paper of the first printer, or for `?paper=generic-80`."""
    services, kind = request.app[SERVICES], request.match_info["kind"]
    t = texts_for(request)
    if await services.door.visitor(request) is None:
        raise Refused(401, "signed_out", t("The session is over; sign in again."))
    made = await draw(services, kind, request.query.get("paper", ""), str(request.url.origin()))
    if made is None:
        raise Refused(404, "no_slip", t("there is no slip {kind} to look at here yet.", kind=kind))
    return web.Response(body=made, content_type="image/png", headers={"Cache-Control": "no-store"})


async def draw(services: Services, kind: str, paper: str, url: str) -> bytes | None:
    """Draw one slip as PNG for a kind of paper (empty: the first printer's); None when there is no such slip yet.

    `url` is where the caller found the pages, which the status slip tells.
    """
    printers = services.spooler.printers
    usual = printers[0].profile if printers else PROFILES["generic-58"]
    profile = PROFILES.get(paper, usual)
    slip = preview(kind, await _known(services, url), profile) if kind in KINDS else None
    if slip is None:
        return None
    pictures = load_pictures(slip, services.data_dir / "logos", profile.width_dots)
    return (await asyncio.to_thread(render, slip, "png", profile, pictures)).data


async def _known(services: Services, url: str) -> Known:
    journal, place = services.journal, await services.place()
    facts = await services.gatherer.facts()
    return Known(
        place=place,
        merchant=await journal.merchant(),
        batches=await journal.batches(),
        stores=tuple((await journal.stores()).values()),
        day=await today(journal, services.clock),
        hub=services.settings.hub.url,
        now=services.clock.trusted().at,
        logo=stored_logo(services.data_dir / "logos"),
        status=lines(facts, url, services.device, services.version, place.locale),
    )
