"""The counter page's own addresses: what it shows, the same as a stream, what was read back from the glass."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, Literal

import msgspec
from aiohttp import web

from kiosk.counter.screen_watch import Report
from kiosk.health.model import Told
from kiosk.web.api.operation import Call, operation
from kiosk.web.api.problems import Problem
from kiosk.web.counter_page import ProofReport, dressed, of_caller
from kiosk.web.services import SERVICES
from kiosk.web.stream import stream
from ui.marks import N_


class Seen(msgspec.Struct, frozen=True):
    """What the daemon makes of the page's report."""

    state: str
    reload: int
    """A page that has loaded before this number loads itself anew."""


class Order(msgspec.Struct, frozen=True):
    """What the keeper of the screen is to do."""

    do: Literal["", "browser", "compositor"]
    open: bool
    """The shop is open: the screen is on."""
    look: bool
    """A screenshot is wanted at once."""


def _own(call: Call, sentence: str) -> None:
    if not call.services.door.is_local(call.request):
        raise Problem("not_local", Told(sentence))


@operation("GET", "counter", None)
async def counter(call: Call) -> dict[str, Any]:
    """Give the view as it is now."""
    return of_caller(call.request, call.services.show.view)


@operation("GET", "counter/events", None, media=("text/event-stream",))
async def events(call: Call) -> web.StreamResponse:
    """Give every new view to a page; a slow page gets the newest one only."""
    return await stream(call.request, _views(call.request))


async def _views(request: web.Request) -> AsyncIterator[bytes]:
    app, services = request.app, request.app[SERVICES]
    seq = 0
    while True:
        view = await services.show.changed(seq)
        seq = view["seq"]
        mine = dressed(app, of_caller(request, view))
        yield b"data: " + json.dumps(mine, ensure_ascii=False, separators=(",", ":")).encode()


@operation("POST", "counter/proof", None, "not_local", again="repeat")
async def proof(call: Call, body: ProofReport) -> Seen:
    """Compare what a page shows with what was ordered; the answer reaches a page whose stream is dead, too."""
    _own(call, N_("only the counter's own screen reports what it shows."))
    services = call.services
    view = services.show.view
    if not services.watch.counts(body.page):
        return Seen("elsewhere", view["reload"])
    state = services.glass.report(body.bits, body.frame, body.visible, body.seq, view["seq"], load=body.load)
    return Seen(state, view["reload"])


@operation("POST", "counter/screen", None, "not_local", again="repeat")
async def screen(call: Call, body: Report) -> Order:
    """Hear the keeper of the screen; say what it is to do (nothing, `browser`, `compositor`), whether the shop is open, and whether to look at once."""
    _own(call, N_("only the counter's own screen reports how it is."))
    view, watch = call.services.show.view, call.services.watch
    do = watch.hear(body, covered=bool(view["outcome"]) or not view["open"])
    return Order(do, bool(view["open"]), watch.look_again)
