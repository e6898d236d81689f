"""The addresses that a web application answers, from its routes."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from aiohttp import web


def kiosk() -> web.Application:
    """Return the kiosk's application; its routes do not depend on what is behind them."""
    from kiosk.web.app import make_app

    services: Any = SimpleNamespace(bench=SimpleNamespace(present=True))
    return make_app(services)


def hub() -> web.Application:
    """Return the hub's application."""
    from hub.app import make_app

    parts: Any = SimpleNamespace(database=SimpleNamespace(threads=2))
    return make_app(parts)


def sentence(handler: Callable[..., Any]) -> str:
    """Return the first line about a handler, or about the one that a guard stands before."""
    cells = getattr(handler, "__closure__", None) or ()
    for inner in (c.cell_contents for c in cells):
        if callable(inner) and (doc := (inner.__doc__ or "").strip()):
            return doc.splitlines()[0]
    return (handler.__doc__ or "").strip().splitlines()[0] if handler.__doc__ else ""


def block(app: web.Application) -> str:
    """Return the routes as a table, in the order of their addresses."""
    rows = []
    for route in app.router.routes():
        if route.resource is None or route.method == "HEAD":
            continue
        path = re.sub(r"\{(\w+):[^{}]*(?:\{[^{}]*\}[^{}]*)*\}", r"{\1}", route.resource.canonical)
        if isinstance(route.resource, web.StaticResource):
            path, told = f"{path}/...", "Style sheets and scripts."
        else:
            told = sentence(route.handler)
        rows.append((path, route.method, told))
    lines = ["| | address | |", "|---|---|---|"]
    return "\n".join(
        lines + [f"| {method} | `{path}` | {told} |" for path, method, told in sorted(set(rows))]
    )
