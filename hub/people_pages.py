"""/c/{id}: what a printed QR opens. Claims go through WeChat; in a demonstration a stand-in takes its place."""

from __future__ import annotations

import hmac
import re
import secrets
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from aiohttp import web

from hub.device_api import PARTS
from hub.errors import Refused
from hub.pages import locale_of, message, page
from hub.parts import Parts, now
from hub.secrets import same
from hub.store.coupons import Held
from kiosk.coupons.batch import Batch, Merchant, Store
from kiosk.coupons.code import grouped
from ui.forms import fields
from ui.money import offer, period

COOKIE = "who"
YEAR_S = 365 * 86_400
ID = re.compile(r"[0-9A-Za-z_-]{1,32}")
"""What a store or a batch can be called; anything else is not worth a look into the database."""


def add_routes(app: web.Application) -> None:
    """Add the customers' pages."""
    app.router.add_get("/c/{store}", show_store)
    app.router.add_post("/c/{store}/claim", claim)
    app.router.add_get("/c/{store}/coupon/{coupon}", show_coupon)


class Visitor:
    """Who looks at the page: in a demonstration a signed random cookie stands for WeChat's openid."""

    def __init__(self, request: web.Request) -> None:
        self._key = request.app[PARTS].vault.derive("customer cookie")
        who, _, mark = request.cookies.get(COOKIE, "").partition(".")
        good = re.fullmatch(r"demo-[0-9a-f]{24}", who) and same(mark, self._mark(who))
        self.fresh = not good
        self.openid = who if good else f"demo-{secrets.token_hex(12)}"

    def _mark(self, text: str) -> str:
        return hmac.new(self._key, text.encode("utf-8", "surrogatepass"), sha256).hexdigest()[:32]

    def form(self) -> str:
        """Return a form token: it makes a double click one claim and binds the form to this visitor."""
        nonce = secrets.token_hex(12)
        return f"{nonce}.{self._mark(self.openid + nonce)}"

    def owns(self, form: str) -> bool:
        """Tell whether a form token was given to this visitor."""
        nonce, _, mark = form.partition(".")
        return same(mark, self._mark(self.openid + nonce))

    def remember(self, request: web.Request, response: web.StreamResponse) -> None:
        """Set the cookie on a first visit."""
        if self.fresh:
            value = f"{self.openid}.{self._mark(self.openid)}"
            response.set_cookie(
                COOKIE, value, max_age=YEAR_S, httponly=True, samesite="Lax", secure=request.scheme == "https"
            )


def _load(
    c: sa.Connection, parts: Parts, store: str, openid: str
) -> tuple[Merchant | None, Store | None, tuple[Batch, ...], list[Held]]:
    found = parts.catalog.store(c, store) if ID.fullmatch(store) else None
    if found is None:
        return None, None, (), []
    return parts.catalog.merchant(c), found, parts.catalog.batches(c, store), parts.coupons.held(c, openid)


async def show_store(request: web.Request) -> web.StreamResponse:
    """List the store's coupons."""
    parts, visitor = request.app[PARTS], Visitor(request)
    merchant, store, batches, held = await parts.database.run(
        _load, parts, request.match_info["store"], visitor.openid
    )
    if store is None:
        return message(request, "unknown_store", 404)
    locale = locale_of(request)
    tickets = [_ticket(b, held, locale) for b in batches if _shown(b, store.id)]
    tickets.sort(key=_rank)
    response = page(
        request,
        "claim_list.html.jinja",
        merchant=merchant,
        store=store,
        tickets=tickets,
        form=visitor.form(),
        can_claim=parts.settings.demo.claims,
    )
    visitor.remember(request, response)
    return response


def _shown(batch: Batch, store: str) -> bool:
    at = now()
    here = batch.stores is None or store in batch.stores
    return (
        here
        and batch.status == "running"
        and batch.begins <= at <= batch.ends
        and batch.product != "slip_coupon"
    )


def _ticket(batch: Batch, held: list[Held], locale: str) -> dict[str, Any]:
    mine = [h for h in held if h.stock_id == batch.stock_id]
    ready = [h for h in mine if h.good]
    if batch.product == "cash_voucher":
        state = "at_payment"
    elif batch.per_user is not None and len(mine) >= batch.per_user:
        state = "limit"
    else:
        state = "sold_out" if batch.left == 0 else "open"
    return {
        "batch": batch,
        "offer": offer(batch.threshold, batch.value, locale, batch.kind),
        "period": period(batch.begins, batch.ends, locale),
        "state": state,
        "mine": ready,
    }


def _rank(ticket: dict[str, Any]) -> int:
    """Put what can be had or shown before what comes by itself, and what is gone last; else the order loaded stays."""
    if ticket["state"] == "open" or ticket["mine"]:
        return 0
    return 1 if ticket["state"] == "at_payment" else 2


async def claim(request: web.Request) -> web.StreamResponse:
    """Claim one coupon."""
    parts, visitor = request.app[PARTS], Visitor(request)
    name = request.match_info["store"]
    try:
        form = fields(request.content_type, await request.read())
    except ValueError:
        return message(request, "stale_form", 400)
    token, stock_id = form.get("form", ""), form.get("stock_id", "")
    merchant, store, _, _ = await parts.database.run(_load, parts, name, visitor.openid)
    if store is None:
        return message(request, "unknown_store", 404)
    if not parts.settings.demo.claims:
        return message(request, "in_wechat", 403, store, merchant)
    if not visitor.owns(token):
        return message(request, "stale_form", 403, store, merchant)
    if not ID.fullmatch(stock_id):
        return message(request, "unknown_batch", 409, store, merchant)
    try:
        coupon = await parts.database.run(
            parts.coupons.claim, visitor.openid, stock_id, name, token.partition(".")[0], now()
        )
    except Refused as err:
        return message(request, err.error, err.status, store, merchant)
    parts.bell.ring()
    raise web.HTTPSeeOther(f"/c/{name}/coupon/{coupon}")


async def show_coupon(request: web.Request) -> web.StreamResponse:
    """Show a claimed coupon to its owner: QR, barcode and readable code."""
    parts, visitor = request.app[PARTS], Visitor(request)
    merchant, store, batches, _ = await parts.database.run(
        _load, parts, request.match_info["store"], visitor.openid
    )
    if store is None:
        return message(request, "unknown_store", 404)
    mine = await parts.database.run(parts.coupons.show, visitor.openid, request.match_info["coupon"])
    batch = next((b for b in batches if mine and b.stock_id == mine.stock_id), None)
    if mine is None or batch is None:
        return message(request, "not_yours", 404, store, merchant)
    locale = locale_of(request)
    return page(
        request,
        "claim_code.html.jinja",
        merchant=merchant,
        store=store,
        batch=batch,
        coupon=mine,
        readable=grouped(mine.short),
        offer=offer(batch.threshold, batch.value, locale, batch.kind),
        period=period(batch.begins, batch.ends, locale),
        state=_state(batch, mine.state, mine.max_uses - mine.uses),
        left=mine.max_uses - mine.uses,
    )


def _state(batch: Batch, state: str, left: int) -> str:
    """Return what hinders a coupon for good: used, expired, revoked; empty when it is good."""
    if left <= 0:
        return "used"
    if state == "revoked":
        return "revoked"
    return "expired" if now() > batch.ends else ""
