"""The hub's web application."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path

from aiohttp import web

from hub import admin, device_api, people_pages, till_api
from hub.errors import HubError
from hub.parts import Parts
from ui.page import Pages
from ui.routes import add_ui, security_headers
from ui.webfont import Shelf

HERE = Path(__file__).parent
BODY_MAX = 512 * 1024


def make_app(parts: Parts) -> web.Application:
    """Build the application; it owns nothing that has to be closed but the bell."""
    app = web.Application(middlewares=[security_headers, no_traceback], client_max_size=BODY_MAX)
    shelf = Shelf()
    app[device_api.PARTS] = parts
    app[people_pages.PAGES] = Pages("hub", HERE / "templates", shelf)
    add_ui(app, shelf)
    app.router.add_static("/static", HERE / "static")
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/", _home)
    device_api.add_routes(app)
    people_pages.add_routes(app)
    till_api.add_routes(app)
    admin.add_routes(app)
    app.on_shutdown.append(_ring_off)
    return app


async def _ring_off(app: web.Application) -> None:
    # Held requests end now: aiohttp would wait twice its shutdown timeout for them.
    app[device_api.PARTS].bell.stop()


async def _home(_: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("/admin")


@web.middleware
async def no_traceback(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer a database that does not work with one sentence."""
    try:
        return await handler(request)
    except HubError as err:
        return web.Response(
            text=json.dumps({"error": "unavailable", "message": str(err)}),
            status=503,
            content_type="application/json",
        )


async def healthz(request: web.Request) -> web.Response:
    """Tell whether the hub can answer, its database included."""
    parts = request.app[device_api.PARTS]
    await parts.database.run(parts.catalog.merchant)
    return web.json_response({"ok": True, "version": version("coupon-kiosk")})


async def metrics(request: web.Request) -> web.Response:
    """Give the figures for Prometheus."""
    from prometheus_client import CollectorRegistry, Gauge, generate_latest

    parts = request.app[device_api.PARTS]
    registry = CollectorRegistry()
    claimed = Gauge("kiosk_hub_claimed", "Coupons claimed", ["stock_id"], registry=registry)
    redeemed = Gauge("kiosk_hub_redeemed", "Coupons redeemed", ["stock_id"], registry=registry)
    states = Gauge("kiosk_hub_devices", "Kiosks by state", ["state"], registry=registry)
    for batch in await parts.database.run(parts.catalog.batches):
        claimed.labels(batch.stock_id).set(batch.claimed)
        redeemed.labels(batch.stock_id).set(batch.redeemed)
    for device in await parts.database.run(parts.devices.all):
        states.labels(device.state).inc()
    return web.Response(body=generate_latest(registry), content_type="text/plain")
