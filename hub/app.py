"""The hub's web application."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path

from aiohttp import web
from aiohttp.http_exceptions import PayloadEncodingError

from hub import admin, cloud_print, device_api, people_pages, till_api
from hub.errors import HubError, Refused
from hub.pages import PAGES, message
from hub.parts import Parts
from hub.store import report
from ui.page import Pages
from ui.routes import add_ui, security_headers
from ui.webfont import Shelf

HERE = Path(__file__).parent
BODY_MAX = 512 * 1024
ERRORS = {
    404: ("not_found", "there is nothing at that address."),
    405: ("method_not_allowed", "that address does not take that method."),
    413: ("too_large", f"the request is larger than {BODY_MAX // 1024} KiB; send less at a time."),
}
PACKED = "a body packed as {} is not read here; send it as it is, or with gzip."
log = logging.getLogger(__name__)


def make_app(parts: Parts) -> web.Application:
    """Build the application; it owns nothing that has to be closed but the bell."""
    app = web.Application(middlewares=[security_headers, in_words], client_max_size=BODY_MAX)
    shelf = Shelf()
    app[device_api.PARTS] = parts
    app[PAGES] = Pages("hub", HERE / "templates", shelf)
    add_ui(app, shelf)
    app.router.add_static("/static", HERE / "static")
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/", _home)
    device_api.add_routes(app)
    cloud_print.add_routes(app, parts)
    people_pages.add_routes(app)
    till_api.add_routes(app)
    admin.add_routes(app)
    app.on_startup.append(_ring_on)
    app.on_shutdown.append(_ring_off)
    return app


async def _ring_on(app: web.Application) -> None:
    app[device_api.PARTS].bell.start()


async def _ring_off(app: web.Application) -> None:
    # Held requests end now: aiohttp would wait twice its shutdown timeout for them.
    await app[device_api.PARTS].bell.stop()


async def _home(_: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("/admin")


@web.middleware
async def in_words(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer what goes wrong in the words of who asked: programs get a code, customers a page."""
    try:
        if packing := _packing(request):
            await _unpack(request)
            if packing != "gzip":
                return _told(request, 415, "packed", PACKED.format(packing[:40]))
        return await handler(request)
    except (web.RequestPayloadError, PayloadEncodingError) as err:
        # A body that is not what its headers say: no gzip, cut, with something behind it.
        why = " ".join(str(err).split())[:100]
        response = _told(request, 400, "bad_request", f"the body cannot be read: {why}.")
        response.force_close()  # where the next request would begin, nobody knows
        return response
    except HubError as err:
        log.warning("%s %s: %s", request.method, request.path, err)
        return _told(request, 503, "unavailable", str(err))
    except ConnectionError:
        if request.transport is not None:
            raise
        # Who asked went away in the middle of the request: no mistake of ours, and nobody reads the answer.
        return web.Response(status=400)
    except web.HTTPException as err:
        if err.status < 400 or (known := ERRORS.get(err.status)) is None:
            raise
        allow = {"Allow": err.headers["Allow"]} if "Allow" in err.headers else {}
        response = _told(request, err.status, *known)
        response.headers.update(allow)
        return response


def _packing(request: web.Request) -> str:
    said = ", ".join(request.headers.getall("Content-Encoding", ())).strip().lower()
    return "" if said == "identity" else said


async def _unpack(request: web.Request) -> None:
    """Read a packed body whole, whoever needs it.

    What of it was left aiohttp would read after the answer, and write a traceback for each that cannot be unpacked.
    """
    try:
        await request.read()
    except BaseException:
        request.content.feed_eof()
        raise


def _told(request: web.Request, status: int, error: str, sentence: str) -> web.Response:
    if request.path == "/c" or request.path.startswith("/c/"):
        return message(request, "unknown_store" if status == 404 else "trouble", status)
    return device_api.refusal(Refused(error, sentence, status))


async def healthz(request: web.Request) -> web.Response:
    """Tell whether the hub can answer, its database included."""
    parts = request.app[device_api.PARTS]
    await parts.database.run(parts.catalog.merchant)
    return web.json_response({"ok": True, "version": version("coupon-kiosk")})


async def metrics(request: web.Request) -> web.Response:
    """Give the figures for Prometheus."""
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

    parts = request.app[device_api.PARTS]
    registry = CollectorRegistry()
    claimed = Gauge("kiosk_hub_claimed", "Coupons claimed", ["stock_id"], registry=registry)
    redeemed = Gauge("kiosk_hub_redeemed", "Coupons redeemed", ["stock_id"], registry=registry)
    states = Gauge("kiosk_hub_devices", "Kiosks by state", ["state"], registry=registry)
    conflicts = Gauge("kiosk_hub_conflicts", "Redemptions beyond a coupon's uses", registry=registry)
    poison = Gauge("kiosk_hub_quarantined", "Journal items that were put aside", registry=registry)
    for batch in await parts.database.run(parts.catalog.batches):
        claimed.labels(batch.stock_id).set(batch.claimed)
        redeemed.labels(batch.stock_id).set(batch.redeemed)
    for state, count in (await parts.database.run(report.devices_by_state, parts.tenant)).items():
        states.labels(state).set(count)
    told = await parts.database.run(report.troubles, parts.tenant)
    conflicts.set(told["conflicts"])
    poison.set(told["quarantined"])
    return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
