"""The kiosk's web application: counter page, staff console, local API, simulated devices."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from aiohttp import web

from kiosk.health.model import Told, as_is, told
from kiosk.journal.errors import JournalError
from kiosk.web import counter_page, local_api, metrics, simulator, slip_previews, staff
from kiosk.web.api import problems
from kiosk.web.door import Refused
from kiosk.web.services import PAGES, SERVICES, Services
from kiosk.web.stream import add_streams
from ui.page import Pages
from ui.routes import add_ui, security_headers
from ui.texts import negotiate
from ui.webfont import Shelf

log = logging.getLogger(__name__)
HERE = Path(__file__).parent
BODY_MAX = 64 * 1024

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_app(services: Services) -> web.Application:
    """Build the application; it owns nothing but its open streams."""
    app = web.Application(
        middlewares=[security_headers, sentences, known_host, as_it_is], client_max_size=BODY_MAX
    )
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


def is_api(request: web.Request) -> bool:
    """Tell whether a program asks, which is answered by problem documents (RFC 9457)."""
    return request.path.startswith("/api/")


def refused(request: web.Request, err: Refused) -> web.Response:
    """Return what is not granted: as JSON, or by the console's pages in their language."""
    if not staff.is_console(request):
        return refusal(err.status, err.error, str(err))
    locale = negotiate(request.headers.get("Accept-Language"))
    sentence = err.what.say(locale) if isinstance(err, problems.Problem) else str(err)
    return staff.refuse(request, err.status, err.error, sentence)


def wrong(request: web.Request, code: str, what: Told) -> web.Response:
    """Return an error that was not foreseen where it happened."""
    status = problems.CODES[code][0]
    if is_api(request):
        return problems.respond(request, status, code, what)
    if staff.is_console(request):
        if status == 400:  # what a type or a number should have been says nothing to who stands at a counter
            return staff.by_status(request, status, code)
        return staff.refuse(
            request, status, code, what.say(negotiate(request.headers.get("Accept-Language")))
        )
    return refusal(status, code, what.say())


HTTP = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}


def by_http(request: web.Request, err: web.HTTPException) -> web.Response:
    """Return what the router or the reader of a body says."""
    if staff.is_console(request):
        if err.status == 405 and request.method in ("GET", "HEAD"):
            raise web.HTTPSeeOther(staff.page_of(request.path)) from None
        return staff.by_status(request, err.status, HTTP.get(err.status, "http"))
    if not is_api(request):
        return refusal(err.status, "http", f"{request.method} {request.path}: {err.reason}.")
    method, path, allowed = request.method, request.path[:200], err.headers.get("Allow", "")
    if err.status == 404:
        sentence = told("there is nothing at {path}; /api/docs lists what there is.", path=path)
    elif err.status == 405:
        sentence = told(
            "{path} does not take {method}; it takes {allowed}.", path=path, method=method, allowed=allowed
        )
    elif err.status == 413:
        sentence = told("that is too large; {kib} KiB are read at most.", kib=BODY_MAX // 1024)
    else:
        sentence = told("{method} {path}: {why}.", method=method, path=path, why=err.reason)
    kept = {"Allow": allowed} if allowed else {}
    return problems.respond(request, err.status, HTTP.get(err.status, "http"), sentence, kept)


@web.middleware
async def sentences(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer what goes wrong with one sentence, never with a traceback."""
    try:
        return await handler(request)
    except Refused as err:
        if is_api(request):
            return problems.of(request, err)
        return refused(request, err)
    except (
        msgspec.DecodeError,
        UnicodeDecodeError,
        RecursionError,
        web.RequestPayloadError,
    ) as err:  # a wrong type is a DecodeError too
        return wrong(request, "bad_request", told("the request is not right: {why}.", why=err))
    except JournalError as err:
        return wrong(request, "journal", as_is(str(err)))
    except web.HTTPException as err:
        if err.status < 400 or not request.path.startswith(("/api/", "/simulator/", "/staff")):
            raise
        return by_http(request, err)
    except Exception as err:
        if isinstance(err, ConnectionError) and request.transport is None:
            # Who asked went away in the middle of the request: no mistake of ours, and nobody reads the answer.
            return wrong(request, "broken_off", told("the request broke off."))
        log.exception("%s %s failed", request.method, request.path)
        sentence = told("the kiosk made a mistake; its log says more, `kiosk diagnostics` collects it.")
        return wrong(request, "internal", sentence)


@web.middleware
async def known_host(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn requests away that name another host: a stranger's page whose name was pointed at this machine."""
    if not request.app[SERVICES].door.known_host(request):
        sentence = told("this kiosk does not go by that name; add it to web.hosts in kiosk.toml.")
        raise problems.Problem("unknown_host", sentence)
    return await handler(request)


@web.middleware
async def as_it_is(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn packed bodies away (RFC 9110, 15.5.16): 64 KiB need no packing, and what cannot be unpacked needs no words."""
    codings = ", ".join(request.headers.getall("Content-Encoding", ())).lower()
    if codings not in ("", "identity"):
        sentence = told(
            "the body is packed (Content-Encoding: {coding}), which the kiosk does not read; send it as it is.",
            coding=codings[:40],
        )
        raise problems.Problem("packed", sentence, {"Accept-Encoding": "identity"})
    return await handler(request)
