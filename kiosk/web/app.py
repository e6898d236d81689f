"""The kiosk's web application: counter page, staff console, local API, simulated devices."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from aiohttp import web

from kiosk.journal.errors import JournalError
from kiosk.web import counter_page, local_api, metrics, simulator, slip_previews, staff
from kiosk.web.door import Refused
from kiosk.web.services import PAGES, SERVICES, Services
from kiosk.web.stream import add_streams
from ui.page import Pages
from ui.routes import add_ui, security_headers
from ui.webfont import Shelf

log = logging.getLogger(__name__)
HERE = Path(__file__).parent
BODY_MAX = 64 * 1024

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_app(services: Services) -> web.Application:
    """Build the application; it owns nothing but its open streams."""
    app = web.Application(middlewares=[security_headers, sentences, known_host], client_max_size=BODY_MAX)
    shelf = Shelf()
    app[SERVICES] = services
    app[PAGES] = Pages("kiosk", HERE / "templates", shelf)
    add_ui(app, shelf)
    add_streams(app)
    app.router.add_static("/static", HERE / "static")
    for room in (counter_page, local_api, staff, slip_previews, metrics):
        room.add_routes(app)
    if services.bench.present:
        simulator.add_routes(app)
    return app


def refusal(status: int, error: str, sentence: str) -> web.Response:
    """Return an error as JSON."""
    return web.json_response({"error": error, "message": sentence}, status=status)


@web.middleware
async def sentences(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer what goes wrong with one sentence, never with a traceback."""
    try:
        return await handler(request)
    except Refused as err:
        return refusal(err.status, err.error, str(err))
    except (
        msgspec.DecodeError,
        UnicodeDecodeError,
        RecursionError,
    ) as err:  # a wrong type is a DecodeError too
        return refusal(400, "bad_request", f"the request is not right: {err}.")
    except JournalError as err:
        return refusal(503, "journal", str(err))
    except web.HTTPException as err:
        if err.status < 400 or not request.path.startswith(("/api/", "/simulator/")):
            raise
        return refusal(err.status, "http", f"{request.method} {request.path}: {err.reason}.")
    except Exception as err:
        if isinstance(err, ConnectionError) and request.transport is None:
            # Who asked went away in the middle of the request: no mistake of ours, and nobody reads the answer.
            return refusal(400, "broken_off", "the request broke off.")
        log.exception("%s %s failed", request.method, request.path)
        return refusal(
            500, "internal", "the kiosk made a mistake; its log says more, `kiosk diagnostics` collects it."
        )


@web.middleware
async def known_host(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn requests away that name another host: a stranger's page whose name was pointed at this machine."""
    if not request.app[SERVICES].door.known_host(request):
        raise Refused(
            421, "unknown_host", "this kiosk does not go by that name; add it to web.hosts in kiosk.toml."
        )
    return await handler(request)
