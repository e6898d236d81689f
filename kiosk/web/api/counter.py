"""What a till asks: look at a code, redeem it, undo that, push the sale for the next scan."""

from __future__ import annotations

from typing import Annotated

import msgspec

from kiosk.counter.baskets import Sale
from kiosk.counter.look import Look, look
from kiosk.counter.redeem import RedeemResult
from kiosk.coupons.basket import Basket
from kiosk.coupons.code import Opaque, Short, Signed
from kiosk.coupons.code import read as read_code
from kiosk.coupons.ids import RequestNo
from kiosk.coupons.verdict import Goods
from kiosk.health.model import told
from kiosk.web.api.keys import own_number, request_no
from kiosk.web.api.operation import OCTETS, Call, operation
from kiosk.web.api.problems import Problem
from ui.marks import N_

Code = Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]


class RedeemAsk(msgspec.Struct, frozen=True, kw_only=True):
    """POST /api/v1/redeem; money in fen. Repeating a `request_no` gets the same answer."""

    code: Code
    total: Annotated[int, msgspec.Meta(ge=0, le=10**9)] | None = None
    goods: Annotated[tuple[Goods, ...], msgspec.Meta(max_length=500)] = ()
    own_coupon_applied: bool = False
    request_no: RequestNo | None = None


class LookAsk(msgspec.Struct, frozen=True):
    """POST /api/v1/look."""

    code: Code


class CodeRead(msgspec.Struct, frozen=True):
    """What the code on a picture says; empty: there is none."""

    text: str


class BasketAsk(Basket, frozen=True, kw_only=True):
    """POST /api/v1/basket: the sale that the next scan belongs to; money in fen."""

    scanner: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """Whose next scan; empty: whichever scanner reads first."""


class RollbackAsk(msgspec.Struct, frozen=True):
    """POST /api/v1/rollback."""

    rid: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z]{1,32}$")]
    why: Annotated[str, msgspec.Meta(max_length=200)] = ""


class Undone(msgspec.Struct, frozen=True):
    """Whether something was undone, and a sentence."""

    ok: bool
    message: str


def no_coupon(body: RedeemAsk | LookAsk) -> bool:
    """Tell whether something else than a coupon's code was sent, such as a customer's payment code, also in a strange spelling.

    Such a request is refused afresh each time, so it needs no key.
    """
    return not isinstance(read_code(body.code), Signed | Short | Opaque)


@operation("POST", "redeem", "redeem", again="repeat", unkept=no_coupon)
async def redeem(call: Call, body: RedeemAsk) -> RedeemResult:
    """Redeem a code for the clerk or the till."""
    result = await call.services.redeemer.redeem(
        body.code,
        source="till" if body.request_no else "hand",
        total=body.total,
        goods=body.goods,
        own_coupon_applied=body.own_coupon_applied,
        request_no=own_number(call.caller.place, body.request_no) or request_no(call.caller, call.key),
    )
    if call.caller.id:
        await call.note("redeem", result.rid)
    return result


@operation("POST", "look", "redeem", again="repeat", unkept=no_coupon)
async def look_at(call: Call, body: LookAsk) -> Look:
    """Say what this kiosk knows of a code, and whether the total of the basket is asked for; nothing is redeemed."""
    return await look(call.services.journal, body.code, call.t.locale)


@operation("POST", "read", "redeem", "bad_picture", takes=OCTETS)
async def read(call: Call) -> CodeRead:
    """Read the code on a picture (JPEG, PNG or WebP), a coupon's before others; nothing is kept of it."""
    from kiosk.web.reading import MOST
    from kiosk.web.staff.camera import LARGE, PROBLEMS, READER, coupon

    parts, size = [], 0
    async for chunk in call.request.content.iter_chunked(65536):
        size += len(chunk)
        if size > MOST:
            raise Problem("too_large", told(LARGE))
        parts.append(chunk)
    found = await call.request.app[READER].read(b"".join(parts))
    if found.problem:
        raise Problem("bad_picture", told(PROBLEMS[found.problem]))
    return CodeRead(await coupon(call.services, found.texts))


@operation("POST", "rollback", "undo")
async def rollback(call: Call, body: RollbackAsk) -> Undone:
    """Undo a redemption of this kiosk."""
    done = await call.services.redeemer.rollback(body.rid, body.why, "command")
    if done:
        await call.note("undo", body.rid)
    sentence = (
        N_("undone; the coupon can be used again.")
        if done
        else N_("there is no redemption with that rid here that could be undone.")
    )
    return Undone(done, call.t(sentence))


@operation("POST", "basket", "redeem", "unknown_scanner", again="repeat")
async def push_basket(call: Call, body: BasketAsk) -> Sale:
    """Hold the till's sale for the next scan."""
    scanners = call.services.settings.scanners
    if body.scanner and body.scanner not in scanners:
        sentence = told(
            "there is no scanner {name}; there are: {known}.",
            name=body.scanner,
            known=", ".join(scanners) or "-",
        )
        raise Problem("unknown_scanner", sentence)
    call.services.baskets.put(body, scanner=body.scanner)
    return call.services.baskets.sale


@operation("GET", "basket", "redeem")
async def basket(call: Call) -> Sale:
    """Tell what became of the sale that was pushed last, with the result once its scan has ended."""
    return call.services.baskets.sale


@operation("DELETE", "basket", "redeem")
async def cancel_basket(call: Call) -> Sale:
    """Take back the sale that was pushed; one that was scanned already stays."""
    call.services.baskets.cancel()
    return call.services.baskets.sale
