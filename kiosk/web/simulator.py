"""/simulator: the simulated devices on one page. What is done here goes the way of real devices' events."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import msgspec
from aiohttp import web

from kiosk.coupons.basket import Basket
from kiosk.events import Outcome
from kiosk.hardware.sim import FAULTS
from kiosk.printing.printers.virtual import VirtualPrinter
from kiosk.web.door import Refused
from kiosk.web.services import PAGES, SERVICES, Services
from kiosk.web.staff.devices import KINDS
from kiosk.web.stream import stream
from ui.texts import everything, negotiate

ANSWER_S = 10.0
SLIPS = 12


class Press(msgspec.Struct, frozen=True):
    """POST /simulator/press."""

    button: str = "button"


class Act(msgspec.Struct, frozen=True):
    """POST /simulator/act."""

    device: str
    act: str


class Fault(msgspec.Struct, frozen=True):
    """POST /simulator/fault."""

    device: str
    fault: str


class Push(Basket, frozen=True, kw_only=True):
    """POST /simulator/basket: a sale of a simulated till, money in fen."""

    till: str = ""


class Scan(msgspec.Struct, frozen=True):
    """POST /simulator/scan."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]
    scanner: str = ""


def add_routes(app: web.Application) -> None:
    """Add the page."""
    app.router.add_get("/simulator", page)
    app.router.add_get("/simulator/state", state)
    app.router.add_get("/simulator/events", events)
    app.router.add_post("/simulator/press", press)
    app.router.add_post("/simulator/scan", scan)
    app.router.add_post("/simulator/act", act)
    app.router.add_post("/simulator/fault", fault)
    app.router.add_post("/simulator/basket", basket)
    app.router.add_get(r"/simulator/slips/{name:[0-9]{6}-[0-9A-Za-z]+\.png}", slip)


def _services(request: web.Request) -> Services:
    services = request.app[SERVICES]
    if not services.door.may_call(request):
        raise Refused(403, "not_local", "simulated devices are worked from this machine only.")
    if request.method == "POST" and request.content_type != "application/json":
        raise Refused(415, "not_json", "send JSON, with Content-Type: application/json.")
    return services


async def page(request: web.Request) -> web.StreamResponse:
    """Show the devices."""
    _services(request)
    locale = negotiate(request.headers.get("Accept-Language"))
    pages = request.app[PAGES]
    font = pages.font_css(
        everything("kiosk", "kiosk", locale) + everything("ui", "ui", locale), (400, 700, 900)
    )
    bench = request.app[SERVICES].bench
    html = pages.render(
        "simulator.html.jinja",
        locale,
        font=font,
        devices=list(bench.all.values()),
        kinds=KINDS,
        faults=FAULTS,
    )
    return web.Response(text=html, content_type="text/html", headers={"Cache-Control": "no-store"})


def _directories(services: Services) -> list[Path]:
    printers = (*services.spooler.printers, *services.spooler.mirrors)
    return [p.dir for p in printers if isinstance(p, VirtualPrinter)]


def _slips(services: Services) -> list[str]:
    """Return the names of the newest slips, the oldest of them first."""
    found = [p for d in _directories(services) if d.is_dir() for p in d.glob("[0-9]*.png")]
    return [p.name for p in sorted(found, key=lambda p: p.name)[-SLIPS:]]


async def _state(services: Services) -> dict[str, object]:
    return {**services.bench.state(), "slips": await asyncio.to_thread(_slips, services)}


async def state(request: web.Request) -> web.StreamResponse:
    """Give the state of all simulated devices."""
    return web.json_response(await _state(_services(request)))


async def events(request: web.Request) -> web.StreamResponse:
    """Give the state after every change."""
    return await stream(request, _states(_services(request)))


async def _states(services: Services) -> AsyncIterator[bytes]:
    changed = asyncio.Event()
    off = services.bench.listen(changed.set)
    try:
        last = None
        while True:
            now = await _state(services)
            if now != last:
                last = now
                yield b"data: " + json.dumps(now, ensure_ascii=False).encode()
            try:
                async with asyncio.timeout(1):  # a virtual printer tells nobody when its picture is there
                    await changed.wait()
            except TimeoutError:
                continue
            changed.clear()
    finally:
        off()


async def press(request: web.Request) -> web.StreamResponse:
    """Press a button."""
    services = _services(request)
    ask = msgspec.json.decode(await request.read(), type=Press)
    if not services.bench.press(ask.button):
        raise Refused(404, "unknown_device", f"there is no simulated button {ask.button}.")
    return web.json_response({"ok": True})


async def act(request: web.Request) -> web.StreamResponse:
    """Do with a device what a hand would."""
    services = _services(request)
    ask = msgspec.json.decode(await request.read(), type=Act)
    try:
        done = services.bench.act(ask.device, ask.act)
    except ValueError as err:
        raise Refused(404, "unknown_device", str(err)) from err
    return web.json_response({"ok": done})


async def fault(request: web.Request) -> web.StreamResponse:
    """Give a device a fault, or mend it."""
    services = _services(request)
    ask = msgspec.json.decode(await request.read(), type=Fault)
    try:
        services.bench.fault(ask.device, ask.fault)
    except ValueError as err:
        raise Refused(404, "unknown_device", str(err)) from err
    return web.json_response({"ok": True})


async def basket(request: web.Request) -> web.StreamResponse:
    """Push a sale from a till."""
    services = _services(request)
    ask = msgspec.json.decode(await request.read(), type=Push)
    name = ask.till or next(iter(services.bench.tills), "")
    till = services.bench.tills.get(name)
    if till is None:
        raise Refused(404, "unknown_device", f"there is no simulated till {name or 'at all'}.")
    sale = Basket(total=ask.total, goods=ask.goods, own_coupon_applied=ask.own_coupon_applied, ref=ask.ref)
    return web.json_response({"ok": till.push(sale)})


async def scan(request: web.Request) -> web.StreamResponse:
    """Hold a code under a scanner and say what the counter then said."""
    services = _services(request)
    ask = msgspec.json.decode(await request.read(), type=Scan)
    name = ask.scanner or next(iter(services.bench.scanners), "")
    text = re.sub(r"[\r\n]", "", ask.text)
    async with services.bus.queue(Outcome) as outcomes:
        if not services.bench.scan(name, text):
            raise Refused(404, "unknown_device", f"there is no simulated scanner {name or 'at all'}.")
        try:
            told = await asyncio.wait_for(outcomes.get(), ANSWER_S)
        except TimeoutError:
            return web.json_response({"ok": True, "message": ""})
    return web.json_response(
        {"ok": True, "message": " ".join(t for t in (told.title, told.detail, told.hint) if t)}
    )


async def slip(request: web.Request) -> web.StreamResponse:
    """Give the picture of a slip."""
    services = _services(request)
    for directory in _directories(services):
        path = directory / request.match_info["name"]
        if await asyncio.to_thread(path.is_file):
            return web.FileResponse(path)
    raise web.HTTPNotFound
