"""What every server of ours serves alike: styles, fonts, and headers that keep a page to itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from ui.webfont import Shelf

SHELF = web.AppKey("shelf", Shelf)
FOREVER = "public, max-age=31536000, immutable"
WEIGHTS = {"400": 400, "700": 700, "900": 900}
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


@web.middleware
async def security_headers(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Add the headers to every answer, errors included."""
    try:
        response = await handler(request)
    except web.HTTPException as err:
        err.headers.update({k: v for k, v in HEADERS.items() if k not in err.headers})
        raise
    if not response.prepared:
        response.headers.update({k: v for k, v in HEADERS.items() if k not in response.headers})
    return response


def add_ui(app: web.Application, shelf: Shelf) -> None:
    """Serve /ui/static and /ui/font."""
    app[SHELF] = shelf
    app.router.add_static("/ui/static", Path(__file__).parent / "static")
    app.router.add_get(r"/ui/font/{digest:[0-9a-f]{20}}.css", _css)
    app.router.add_get(r"/ui/font/{weight:400|700|900}-{digest:[0-9a-f]{20}}.ttf", _font)


async def _css(request: web.Request) -> web.Response:
    weights = tuple(WEIGHTS[w] for w in request.query.get("w", "400").split("-") if w in WEIGHTS)
    css = request.app[SHELF].css(request.match_info["digest"], weights)
    if css is None:
        raise web.HTTPNotFound
    return web.Response(text=css, content_type="text/css", headers={"Cache-Control": FOREVER})


async def _font(request: web.Request) -> web.Response:
    shelf, digest, weight = (
        request.app[SHELF],
        request.match_info["digest"],
        WEIGHTS[request.match_info["weight"]],
    )
    font = await asyncio.to_thread(shelf.font, digest, weight)
    if font is None:
        raise web.HTTPNotFound
    response = web.Response(body=font, content_type="font/ttf", headers={"Cache-Control": FOREVER})
    response.enable_compression()
    return response
