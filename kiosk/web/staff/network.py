"""The switch that opens the console to phones in the shop's network."""

from __future__ import annotations

import msgspec
from aiohttp import web

from kiosk.web import network
from kiosk.web.staff.frame import Visit
from kiosk.web.staff.printers import write


class Switch(msgspec.Struct, frozen=True):
    """POST /staff/network."""

    open: bool


async def switch(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Open the console to the network from the next start, or close it."""
    ask, t = msgspec.json.decode(raw, type=Switch), visiting.t
    told = (
        t("Written. Phones reach this page after a restart of the kiosk.")
        if ask.open
        else t("Written. After a restart of the kiosk this machine alone reaches this page.")
    )
    act = "network_open" if ask.open else "network_closed"
    return await write(visiting, network.switch(visiting.services, ask.open), act, told)
