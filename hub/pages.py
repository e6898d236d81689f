"""What customers' pages and the fleet console share: a page in the visitor's language that is never kept."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from kiosk.coupons.batch import Merchant, Store
from ui.page import Pages
from ui.texts import negotiate

PAGES = web.AppKey("pages", Pages)


def locale_of(request: web.Request) -> str:
    """Return the language that the visitor likes best among ours."""
    return negotiate(request.headers.get("Accept-Language"))


def page(request: web.Request, name: str, status: int = 200, **context: Any) -> web.Response:
    """Return a page."""
    html = request.app[PAGES].render(name, locale_of(request), **context)
    return web.Response(
        text=html,
        status=status,
        content_type="text/html",
        headers={"Cache-Control": "no-store", "Vary": "Accept-Language"},
    )


def message(
    request: web.Request,
    what: str,
    status: int,
    store: Store | None = None,
    merchant: Merchant | None = None,
) -> web.Response:
    """Return a page that says one thing to a customer."""
    return page(request, "claim_message.html.jinja", status, what=what, store=store, merchant=merchant)
