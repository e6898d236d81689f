"""What changes while a page is open: one short word to the page, which then fetches its live parts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from aiohttp import web

from kiosk.events import Event, LightsChanged, Scanned, Sounded
from kiosk.web.staff.frame import Visit
from kiosk.web.stream import stream

QUIET = (Scanned, LightsChanged, Sounded)
"""Events that change nothing on the console's pages."""
GATHER_S = 0.25
"""Events come in bunches; a page fetches once for each bunch."""


async def events(visiting: Visit) -> web.StreamResponse:
    """Tell a page when to fetch its live parts."""
    return await stream(visiting.request, _words(visiting))


async def _words(visiting: Visit) -> AsyncIterator[bytes]:
    services, happened = visiting.services, asyncio.Event()
    off = services.bus.on(Event, lambda e: None if isinstance(e, QUIET) else happened.set())
    try:
        yield b"retry: 2000\ndata: " + _word(visiting)
        while True:
            await happened.wait()
            await asyncio.sleep(GATHER_S)
            happened.clear()
            if await services.door.visitor(visiting.request) is None:
                yield b'data: {"over":true}'
                return
            yield b"data: " + _word(visiting)
    finally:
        off()


def _word(visiting: Visit) -> bytes:
    """Say how the cloud is."""
    status = visiting.services.show.view.get("status", {})
    return json.dumps({"hub": status.get("hub", "none")}).encode()
