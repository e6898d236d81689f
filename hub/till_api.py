"""/api/v1: what tills and scripts ask the hub; signed in as a person of the fleet console or with a till's key."""

from __future__ import annotations

import hashlib
import hmac
from typing import Annotated

import msgspec
import sqlalchemy as sa
from aiohttp import web

from hub import admin
from hub.device_api import PARTS, answer, decode, refusal
from hub.errors import Refused
from hub.openapi import document
from hub.parts import Parts, now
from hub.secrets import same
from hub.store.acts import WHY_MAX, Undone
from hub.store.envelope import clean
from hub.store.said import MAX_FEN
from kiosk.coupons.ids import RequestNo, new_rid
from kiosk.coupons.verdict import FirstUse, Goods, Reason, Threshold
from kiosk.sync.protocol import Answer, Ask, Rid

StoreId = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z_-]{1,32}$")]


class RedeemAsk(msgspec.Struct, frozen=True, kw_only=True):
    """POST /api/v1/redeem; money in fen. Repeating a `request_no` gets the same answer."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
    total: Annotated[int, msgspec.Meta(ge=0, le=MAX_FEN)] | None = None
    goods: Annotated[tuple[Goods, ...], msgspec.Meta(max_length=500)] = ()
    own_coupon_applied: bool = False
    request_no: RequestNo | None = None
    store: StoreId | None = None
    """Where the coupon is used, for people; a till's key says it."""


class RedeemResult(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict, in the form of `kiosk redeem --json`."""

    rid: str
    verdict: str
    reason: Reason
    batch: str | None
    first_use: FirstUse | None
    threshold: Threshold
    discount: int | None
    """What the till takes off, in fen."""
    goods_tag: str | None
    """The order's one tag for WeChat Pay."""


class RollbackAsk(msgspec.Struct, frozen=True, kw_only=True):
    """POST /api/v1/rollback: undo a redemption, named by its `rid` or by the till's own `request_no`."""

    rid: Rid | None = None
    request_no: RequestNo | None = None
    why: Annotated[str, msgspec.Meta(max_length=WHY_MAX)] = ""


def add_routes(app: web.Application) -> None:
    """Add the routes."""
    app.router.add_post("/api/v1/redeem", redeem)
    app.router.add_post("/api/v1/rollback", rollback)
    app.router.add_get("/api/v1/openapi.json", openapi)


def till_key(parts: Parts, store: str) -> str:
    """Return the key of a store's till: derived, so that nothing has to be kept."""
    key = parts.vault.derive("till key")
    return hmac.new(key, store.encode("utf-8", "surrogatepass"), "sha256").hexdigest()[:40]


def device_of(store: str) -> str:
    """Return what stands for a store's till where kiosks have their identity."""
    named = f"till:{store}"
    if len(named) <= 32:
        return named
    # Longer than the column: cut short, two stores with a common beginning would be one till.
    return "till:" + hashlib.sha256(store.encode()).hexdigest()[:27]


async def _who(request: web.Request, parts: Parts) -> tuple[str | None, str]:
    """Return the store whose till asks, or None for a person who may change things; and who that is, for the record."""
    word, _, key = request.headers.get("Authorization", "").partition(" ")
    store, _, secret = key.strip().partition(":")
    if word.lower() == "bearer" and same(secret, till_key(parts, store)):
        return store, device_of(store)
    person = await admin.person(request)
    if person is not None and person.may_change:
        if request.content_type != "application/json":
            # A form of another page of the same site carries the cookie too, but cannot say this.
            raise Refused("bad_request", "send the request as application/json.", 400)
        return None, person.name
    raise Refused(
        "unauthorized", "sign in with the key of a till: `kiosk-hub till key STORE` prints it.", 401
    )


async def redeem(request: web.Request) -> web.StreamResponse:
    """Redeem a code for a till that has no kiosk."""
    parts = request.app[PARTS]
    try:
        till, _ = await _who(request, parts)
        asked = decode(await request.read(), RedeemAsk)
        store = till or asked.store
        if store is None or (till and asked.store not in (None, till)):
            raise Refused(
                "bad_request", "name the `store` where the coupon is used, that of the till's key.", 400
            )
        told = await parts.database.run(_redeem, parts, store, asked)
    except Refused as err:
        return refusal(err)
    return answer(as_result(told))


def _redeem(c: sa.Connection, parts: Parts, store: str, asked: RedeemAsk) -> Answer:
    """Decide and record at once: a till has no journal, its request number stands for the attempt."""
    if parts.catalog.store(c, store) is None:
        raise Refused("bad_request", f"there is no store {store}.", 400)
    ask = Ask(
        rid=new_rid() if asked.request_no is None else _rid(store, asked.request_no),
        code=clean(asked.code),
        store=store,
        total=asked.total,
        goods=asked.goods,
        own_coupon_applied=asked.own_coupon_applied,
    )
    told = parts.decisions.decide(c, device_of(store), ask, now())
    if told.status == "ok":
        parts.decisions.settle(c, ask.rid, now())
    return told


def _rid(store: str, request_no: str) -> str:
    """Return the rid of a till's request: two stores may count their orders alike."""
    return hashlib.sha256(f"{store}\n{request_no}".encode()).hexdigest()[:32]


def as_result(told: Answer) -> RedeemResult:
    """Return the hub's decision in the form of `kiosk redeem --json`."""
    return RedeemResult(
        rid=told.rid,
        verdict="confirmed" if told.status == "ok" else "refused",
        reason=told.reason,
        batch=told.stock_id,
        first_use=told.first_use,
        threshold=told.threshold,
        discount=told.discount,
        goods_tag=told.goods_tag,
    )


async def rollback(request: web.Request) -> web.StreamResponse:
    """Undo a redemption: a till its own, a person whose role may change things any."""
    parts = request.app[PARTS]
    try:
        till, person = await _who(request, parts)
        asked = decode(await request.read(), RollbackAsk)
        rid = asked.rid
        if rid is None and till is not None and asked.request_no is not None:
            rid = _rid(till, asked.request_no)
        if rid is None:
            raise Refused(
                "bad_request", "name the redemption by its `rid`, a till also by its `request_no`.", 400
            )
        told = await parts.database.run(
            parts.acts.roll_back, rid, clean(asked.why), person, now(), made_by=till and device_of(till)
        )
    except Refused as err:
        return refusal(err)
    parts.bell.ring()
    return answer(told)


async def openapi(_: web.Request) -> web.Response:
    """Describe the interface."""
    return web.json_response(document(RedeemAsk, RedeemResult, RollbackAsk, Undone))
