"""/api/docs and /api/v1/openapi.json: what the local API takes and gives, for people and for programs."""

from __future__ import annotations

from aiohttp import web

from kiosk.web.api.operation import answer


def add_routes(app: web.Application) -> None:
    """Add both."""
    app.router.add_get("/api/v1/openapi.json", openapi)


async def openapi(_: web.Request) -> web.StreamResponse:
    """Describe the interface."""
    from kiosk.web.api.openapi import document

    return answer(document())
