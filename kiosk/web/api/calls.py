"""/api/v1: what commands, tills and scripts on the machine ask the daemon."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any

import msgspec
from aiohttp import web

from kiosk.config import describe
from kiosk.coupons.basket import Basket
from kiosk.coupons.ids import RequestNo
from kiosk.coupons.verdict import Goods
from kiosk.printing.templates import self_test_slip
from kiosk.web.door import Refused
from kiosk.web.services import SERVICES, Services

Handler = Callable[[web.Request, Services], Awaitable[web.StreamResponse]]
PAGE = 1000
"""Rows of the journal in one answer."""


class RedeemAsk(msgspec.Struct, frozen=True, kw_only=True):
    """POST /api/v1/redeem; money in fen. Repeating a `request_no` gets the same answer."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]
    total: Annotated[int, msgspec.Meta(ge=0, le=10**9)] | None = None
    goods: Annotated[tuple[Goods, ...], msgspec.Meta(max_length=500)] = ()
    own_coupon_applied: bool = False
    request_no: RequestNo | None = None


class BasketAsk(Basket, frozen=True, kw_only=True):
    """POST /api/v1/basket: the sale that the next scan belongs to; money in fen."""

    scanner: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """Whose next scan; empty: whichever scanner reads first."""


class RollbackAsk(msgspec.Struct, frozen=True):
    """POST /api/v1/rollback."""

    rid: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z]{1,32}$")]
    why: Annotated[str, msgspec.Meta(max_length=200)] = ""


def add_routes(app: web.Application) -> None:
    """Add the routes."""
    app.router.add_get("/healthz", healthz)
    for method, path, handler in (
        ("GET", "status", status),
        ("GET", "doctor", doctor),
        ("GET", "devices", devices),
        ("GET", "printers", printers),
        ("POST", "printers/{name}/test", test_printer),
        ("POST", "slips/enrolment", enrolment_slip),
        ("POST", "redeem", redeem),
        ("POST", "rollback", rollback),
        ("POST", "basket", push_basket),
        ("GET", "basket", basket),
        ("DELETE", "basket", cancel_basket),
        ("GET", "journal", journal),
        ("GET", "journal/verify", verify),
        ("GET", "settings", settings),
    ):
        app.router.add_route(method, f"/api/v1/{path}", local(handler))
    app.router.add_get("/api/v1/openapi.json", openapi)


def local(handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Let only the machine itself and the holder of its token through; what changes something comes as JSON."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        services = request.app[SERVICES]
        if not services.door.may_call(request):
            raise Refused(
                401,
                "unauthorized",
                "only this machine may ask that; from elsewhere send the token in local.token.",
            )
        if request.method == "POST" and request.content_type != "application/json":
            raise Refused(415, "not_json", "send JSON, with Content-Type: application/json.")
        return await handler(request, services)

    return guarded


def answer(value: Any, status: int = 200) -> web.Response:
    """Return a message as JSON."""
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")


async def healthz(request: web.Request) -> web.Response:
    """Tell whether the daemon can do its work: its journal answers."""
    services = request.app[SERVICES]
    await services.journal.backlog()
    return answer({"ok": True, "version": services.version})


async def status(request: web.Request, services: Services) -> web.StreamResponse:
    """Give the lights."""
    place = await services.place()
    _, lights = await services.gatherer.examine()
    return answer(
        {
            "name": services.settings.hub.name,
            "device": services.device,
            "store": place.store.id if place.store else None,
            "store_name": place.store.name if place.store else None,
            "version": services.version,
            "epoch": services.journal.epoch,
            "page": services.glass.state(),
            "lights": {name: light.as_json() for name, light in lights.items()},
        }
    )


async def doctor(request: web.Request, services: Services) -> web.StreamResponse:
    """Give the findings."""
    await services.gatherer.ask_printers()
    findings, _ = await services.gatherer.examine()
    return answer({"findings": [f.as_json() for f in findings]})


async def devices(_: web.Request, services: Services) -> web.StreamResponse:
    """List devices, configured and found."""
    return answer({"devices": await services.devices()})


async def printers(_: web.Request, services: Services) -> web.StreamResponse:
    """Ask each printer how it is."""
    await services.gatherer.ask_printers()
    return answer({"printers": services.gatherer.printers()})


async def test_printer(request: web.Request, services: Services) -> web.StreamResponse:
    """Print a self-test slip."""
    name = request.match_info["name"]
    printer = services.spooler.find(name)
    if printer is None:
        known = ", ".join(p.name for p in services.gatherer.printers()) or "none"
        raise Refused(404, "unknown_printer", f"there is no printer {name}; there are: {known}.")
    place = await services.place()
    slip = self_test_slip(name, services.clock.trusted().at, place.locale, printer.profile)
    ended = await services.spooler.test(printer, slip)
    return answer(
        {"outcome": ended.ended, "reason": ended.trouble, "detail": ended.detail, "sent": ended.sent}
    )


async def enrolment_slip(_: web.Request, services: Services) -> web.StreamResponse:
    """Print the code that lets this kiosk in."""
    if not (code := services.pairing()):
        raise Refused(
            409,
            "not_pending",
            "this kiosk does not wait for approval: it is in, or kiosk.toml names no hub; `kiosk status` tells.",
        )
    job = await services.slips.enrolment(code, services.settings.hub.url)
    told = job.detail
    return answer(
        {
            "outcome": job.state,
            "reason": told.get("reason", ""),
            "detail": told.get("detail", ""),
            "sent": told.get("sent", 0),
        }
    )


async def redeem(request: web.Request, services: Services) -> web.StreamResponse:
    """Redeem a code for the clerk or the till."""
    ask = msgspec.json.decode(await request.read(), type=RedeemAsk)
    result = await services.redeemer.redeem(
        ask.code,
        source="till" if ask.request_no else "hand",
        total=ask.total,
        goods=ask.goods,
        own_coupon_applied=ask.own_coupon_applied,
        request_no=ask.request_no,
    )
    return answer(result)


async def rollback(request: web.Request, services: Services) -> web.StreamResponse:
    """Undo a redemption of this kiosk."""
    ask = msgspec.json.decode(await request.read(), type=RollbackAsk)
    done = await services.redeemer.rollback(ask.rid, ask.why, "command")
    told = (
        "undone; the coupon can be used again."
        if done
        else "there is no redemption with that rid here that could be undone."
    )
    return answer({"ok": done, "message": told})


async def push_basket(request: web.Request, services: Services) -> web.StreamResponse:
    """Hold the till's sale for the next scan."""
    ask = msgspec.json.decode(await request.read(), type=BasketAsk)
    if ask.scanner and ask.scanner not in services.settings.scanners:
        known = ", ".join(services.settings.scanners) or "none"
        raise Refused(404, "unknown_scanner", f"there is no scanner {ask.scanner}; there are: {known}.")
    services.baskets.put(ask, scanner=ask.scanner)
    return answer(services.baskets.sale)


async def basket(_: web.Request, services: Services) -> web.StreamResponse:
    """Tell what became of the sale that was pushed last, with the result once its scan has ended."""
    return answer(services.baskets.sale)


async def cancel_basket(_: web.Request, services: Services) -> web.StreamResponse:
    """Take back the sale that was pushed; one that was scanned already stays."""
    services.baskets.cancel()
    return answer(services.baskets.sale)


async def journal(request: web.Request, services: Services) -> web.StreamResponse:
    """Give a page of the journal, oldest first: ?from=&to=&after=EPOCH:SEQ."""
    since, until = (_time(request.query.get(name)) for name in ("from", "to"))
    rows, after = await services.journal.export(since, until, request.query.get("after", ""), PAGE)
    return answer({"rows": rows, "after": after})


def _time(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Refused(
            400, "bad_request", f"{text} is not a time with an offset, such as 2026-11-24T00:00:00+08:00."
        )
    return at


async def verify(_: web.Request, services: Services) -> web.StreamResponse:
    """Walk the journal's hash chain."""
    return answer(await services.journal.verify())


async def settings(_: web.Request, services: Services) -> web.StreamResponse:
    """Give the settings in use, without secrets."""
    return answer(describe(services.settings))


async def openapi(_: web.Request) -> web.StreamResponse:
    """Describe the interface."""
    from kiosk.web.api.openapi import document

    return answer(document())
