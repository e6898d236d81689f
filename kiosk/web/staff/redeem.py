"""The first page: type or scan a code, see how certain the answer is, undo."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from kiosk.counter import words
from kiosk.counter.day_report import today
from kiosk.counter.look import look as look_at
from kiosk.coupons.batch import Batch
from kiosk.web.api.counter import LookAsk, RedeemAsk, RollbackAsk
from kiosk.web.api.keys import own_number
from kiosk.web.api.operation import answer
from kiosk.web.staff import told
from kiosk.web.staff.camera import has_certificate
from kiosk.web.staff.frame import Visit, done, show
from ui.money import offer
from ui.texts import everything


async def redeem_page(visiting: Visit) -> web.StreamResponse:
    """Show the field for a code, and the last redemptions."""
    services, t = visiting.services, visiting.t
    journal = services.journal
    batches = await journal.batches()
    names = {b.stock_id: b.name for b in batches}
    day = await today(journal, services.clock)
    stores = " ".join(s.name for s in (await journal.stores()).values())
    sentences = "".join(map(t, {**words.STAFF}.values())) + words.unrecorded(t.locale)
    return await show(
        visiting,
        "staff_redeem.html.jinja",
        "",
        spare="".join(names.values()) + everything("ui", "ui", t.locale),
        bold=sentences + stores,
        recent=[told.attempt(a, names, t) for a in await journal.recent(12) if a.state != "open"],
        redeemed=sum(line.redeemed for line in day),
        value=sum(line.value for line in day),
        certificate=has_certificate(visiting),
    )


async def look(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Say what this kiosk knows of a code: whether the total of the basket is asked for. Nothing is redeemed."""
    ask = msgspec.json.decode(raw, type=LookAsk)
    return answer(await look_at(visiting.services.journal, ask.code, visiting.t.locale))


async def redeem(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Redeem a code that a clerk has typed or scanned; a repeated request gets the first one's answer."""
    ask = msgspec.json.decode(raw, type=RedeemAsk)
    number = own_number(f"-staff {visiting.visitor.person.id}", ask.request_no)
    result = await visiting.services.redeemer.redeem(
        ask.code, source="staff", total=ask.total, goods=ask.goods, request_no=number
    )
    await visiting.note("redeem", result.rid)
    batch = await visiting.services.journal.batch(result.batch) if result.batch else None
    return answer({**msgspec.to_builtins(result), **_dressed(visiting, result, batch)})


def _dressed(visiting: Visit, result: Any, batch: Batch | None) -> dict[str, str]:
    """Return the answer in the visitor's language: how certain, what, and who and when on a refusal."""
    t, now = visiting.t, visiting.services.clock.trusted().at
    if result.verdict in ("confirmed", "offline"):
        title = words.certainty(result.verdict == "confirmed", t.locale)
    elif result.verdict == "refused":
        title = t("Not accepted")
    else:
        title = t("Not certain")
    why = words.for_staff(result.reason, t.locale, now, batch, result.first_use)
    if result.verdict == "unknown":
        why = words.unrecorded(t.locale)
    given = offer(batch.threshold, batch.value, t.locale, batch.kind) if batch else ""
    check = batch is not None and batch.threshold and result.threshold == "unchecked"
    hint = (
        words.check_hint(batch, t.locale)
        if check and batch and result.verdict in ("confirmed", "offline")
        else ""
    )
    return {
        "title": title,
        "why": "" if result.verdict in ("confirmed", "offline") else why,
        "offer": f"{batch.name} · {given}" if batch else "",
        "check": hint,
    }


async def rollback(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Undo a redemption."""
    ask = msgspec.json.decode(raw, type=RollbackAsk)
    undone = await visiting.services.redeemer.rollback(ask.rid, ask.why, "staff")
    if undone:
        await visiting.note("undo", ask.rid)
    t = visiting.t
    return done(
        undone,
        t("Undone. The coupon can be used again.") if undone else t("That cannot be undone any more."),
    )
