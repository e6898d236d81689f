"""/api/v1: what tills and scripts ask the hub; signed in as a person of the fleet console or with a till's key."""

from __future__ import annotations

import hmac
from typing import Annotated, Any

import msgspec
from aiohttp import web

from hub import admin
from hub.device_api import PARTS, answer, decode, refusal
from hub.errors import Refused
from hub.parts import Parts, now
from kiosk.coupons.ids import new_rid
from kiosk.coupons.verdict import Goods
from kiosk.sync.protocol import Answer, Ask


class RedeemAsk(msgspec.Struct, frozen=True, kw_only=True):
    """POST /api/v1/redeem."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
    total: Annotated[int, msgspec.Meta(ge=0)] | None = None
    goods: tuple[Goods, ...] = ()
    own_coupon_applied: bool = False
    request_no: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z]{1,32}$")] | None = None
    store: str = ""


def add_routes(app: web.Application) -> None:
    """Add the routes."""
    app.router.add_post("/api/v1/redeem", redeem)
    app.router.add_get("/api/v1/openapi.json", openapi)


def till_key(parts: Parts, store: str) -> str:
    """Return the key of a store's till: derived, so that nothing has to be kept."""
    return hmac.new(parts.vault.derive("till key"), store.encode(), "sha256").hexdigest()[:40]


def _store(request: web.Request, parts: Parts, asked: str) -> str:
    word, _, key = request.headers.get("Authorization", "").partition(" ")
    store, _, secret = key.partition(":")
    if word == "Bearer" and hmac.compare_digest(secret, till_key(parts, store)):
        return store
    person = admin.person(request)
    if person is not None and person.may_change and asked:
        return asked
    raise Refused(
        "unauthorized", "sign in with the key of a till: `kiosk-hub till key STORE` prints it.", 401
    )


async def redeem(request: web.Request) -> web.StreamResponse:
    """Redeem a code for a till that has no kiosk."""
    parts = request.app[PARTS]
    try:
        asked = decode(await request.read(), RedeemAsk)
        store = _store(request, parts, asked.store)
        ask = Ask(
            rid=asked.request_no or new_rid(),
            code=asked.code,
            store=store,
            total=asked.total,
            goods=asked.goods,
            own_coupon_applied=asked.own_coupon_applied,
        )
        told = await parts.database.run(parts.decisions.decide, f"till:{store}"[:32], ask, now())
    except Refused as err:
        return refusal(err)
    parts.bell.ring()
    return answer(as_result(told))


def as_result(told: Answer) -> dict[str, Any]:
    """Return the hub's decision in the form of `kiosk redeem --json`."""
    return {
        "rid": told.rid,
        "verdict": "confirmed" if told.status == "ok" else "refused",
        "reason": told.reason,
        "batch": told.stock_id,
        "first_use": msgspec.to_builtins(told.first_use),
        "threshold": told.threshold,
        "discount": told.discount,
        "goods_tag": told.goods_tag,
    }


async def openapi(_: web.Request) -> web.Response:
    """Describe the interface."""
    [schema], parts = msgspec.json.schema_components([RedeemAsk], ref_template="#/components/schemas/{name}")
    doc = {
        "openapi": "3.1.0",
        "info": {"title": "kiosk-hub", "version": "1"},
        "components": {"schemas": parts, "securitySchemes": {"till": {"type": "http", "scheme": "bearer"}}},
        "paths": {
            "/api/v1/redeem": {
                "post": {
                    "summary": "Redeem a code",
                    "security": [{"till": []}],
                    "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
                    "responses": {
                        "200": {"description": "the verdict"},
                        "400": {"description": "what is wrong with the request"},
                        "401": {"description": "no key"},
                    },
                }
            }
        },
    }
    return web.json_response(doc)
