"""/api/v1: what staff can do, for commands, tills and scripts; opening a session by PIN or slip is a person's."""

from __future__ import annotations

from aiohttp import web

from kiosk.web.api import (
    care,
    counter,
    coupons,
    fit_out,
    people,
    printing,
    records,
    screen,
    stands,
    state,
    tokens,
)
from kiosk.web.api.keys import KEYS, Keys
from kiosk.web.api.operation import Operation, served

ROOMS = (counter, coupons, printing, records, stands, state, care, fit_out, people, tokens, screen)


def operations() -> list[Operation]:
    """Return every operation, room by room in the order written."""
    return [op for room in ROOMS for op in vars(room).values() if isinstance(op, Operation)]


def add_routes(app: web.Application) -> None:
    """Add the routes, the description and its page."""
    from kiosk.web.api import docs

    app[KEYS] = Keys()
    for op in operations():
        app.router.add_route(op.method, op.address, served(op))
    docs.add_routes(app)
