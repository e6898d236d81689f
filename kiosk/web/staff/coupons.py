"""Coupons: the batches that run, slips handed out and printed again, a batch hidden at this counter."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from aiohttp import web

from kiosk.counter import records
from kiosk.counter.giving import MOST, give_each
from kiosk.counter.previews import KINDS
from kiosk.counter.records import Standing
from kiosk.journal.rows import JobRow
from kiosk.web.staff import told
from kiosk.web.staff.frame import Visit, done, show
from ui.marks import N_
from ui.money import offer, period, yuan
from ui.texts import Texts

STATUS = {"running": N_("Running"), "paused": N_("Paused"), "ended": N_("Ended")}
Stock = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z_-]{1,32}$")]


class Give(msgspec.Struct, frozen=True):
    """POST /staff/hand-out."""

    stock_id: Stock
    n: Annotated[int, msgspec.Meta(ge=1, le=MOST)] = 1


class Hide(msgspec.Struct, frozen=True):
    """POST /staff/hide."""

    stock_id: Stock
    away: bool


class Job(msgspec.Struct, frozen=True):
    """POST /staff/reprint and /staff/settle."""

    job: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z]{1,32}$")]


async def coupons_page(visiting: Visit) -> web.StreamResponse:
    """Show the batches that run, and the last slips."""
    services, t = visiting.services, visiting.t
    journal = services.journal
    now = services.clock.trusted().at
    batches = [_standing(s, t, now) for s in await records.standings(journal, services.clock)]
    batches.sort(key=lambda b: not b["can_give"])  # what is handed out all day is under the thumb
    return await show(
        visiting,
        "staff_coupons.html.jinja",
        "coupons",
        batches=batches,
        jobs=[told.job(j, t) for j in await journal.jobs(limit=20)],
        held=services.spooler.paused,
        kinds=[{"id": kind, "title": t(told.SLIPS[kind])} for kind in KINDS],
        most=MOST,
    )


def _standing(s: Standing, t: Texts, now: Any) -> dict[str, Any]:
    b = s.batch
    return {
        "stock_id": b.stock_id,
        "name": b.name,
        "offer": offer(b.threshold, b.value, t.locale, b.kind),
        "period": period(b.begins, b.ends, t.locale, now),
        "status": b.status,
        "told": t(STATUS[b.status]),
        "claimed": s.claimed,
        "redeemed": s.redeemed,
        "left": "-" if b.left is None else str(b.left),
        "pool": s.pool,
        "offline": allowance(s, t),
        "hidden": s.hidden,
        "can_give": s.pool is not None and b.status == "running" and b.begins <= now,
    }


def allowance(s: Standing, t: Texts) -> str:
    """Return what may be redeemed of a batch while the cloud is away, in words."""
    policy = s.batch.offline.policy
    if policy == "never":
        return t("Only with the cloud")
    if policy == "home":
        return t("Coupons whose home is this kiosk")
    parts = []
    if s.allowance is not None:
        parts.append(t("{n} left", n=s.allowance))
    if s.value_left is not None:
        parts.append(f"￥{yuan(s.value_left)}")
    return " · ".join(parts) or t("Not limited")


async def hand_out(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Print fresh slip coupons, one after the other; stop at the first that does not come out."""
    ask, t = msgspec.json.decode(raw, type=Give), visiting.t
    printed = 0
    async for given in give_each(visiting.services.hand_out, ask.stock_id, ask.n):
        if given.rid:
            await visiting.note("hand_out", given.rid)
        if given.outcome != "printed":
            return done(
                False, f"{_why(given.outcome, t)} {t('Printed: {n} of {all}.', n=printed, all=ask.n)}"
            )
        printed += 1
    return done(True, t("Printed: {n} of {all}.", n=printed, all=ask.n))


def _why(outcome: str, t: Texts) -> str:
    reasons = {
        "empty": t("No slip codes are ready here; they come from the cloud."),
        "closed": t("This batch gives no slips now."),
        "unknown": t("Look whether the last slip came out, then settle it below."),
    }
    return reasons.get(outcome, t("The slip could not be printed; look at the printer."))


async def hide(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Offer a batch here no more, or again."""
    ask, services, t = msgspec.json.decode(raw, type=Hide), visiting.services, visiting.t
    if await services.journal.batch(ask.stock_id) is None:
        return done(False, t("That batch is not there any more."))
    await records.hide(services.journal, services.bus, ask.stock_id, ask.away)
    await visiting.note("hide" if ask.away else "offer", ask.stock_id)
    message = (
        t("Hidden here. Coupons that customers have are still redeemed.")
        if ask.away
        else t("Offered here again.")
    )
    return done(True, message)


def ended(visiting: Visit, job: JobRow | None, nothing: str) -> web.StreamResponse:
    """Answer how a print ended."""
    if job is None:
        return done(False, visiting.t(nothing))
    return done(job.state == "printed", told.job_state(job, visiting.t))


async def reprint(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Print a slip once more: the same code, worth once."""
    ask = msgspec.json.decode(raw, type=Job)
    job = await visiting.services.spooler.reprint(ask.job)
    if job is not None:
        await visiting.note("reprint", job.id)
    return ended(visiting, job, N_("That slip is not there, or is being printed."))


async def new_code(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Give a new code for a slip of which nobody knows: the old one is void first."""
    ask, t = msgspec.json.decode(raw, type=Job), visiting.t
    given = await visiting.services.hand_out.replace(ask.job)
    if given.rid:
        await visiting.note("new_code", given.rid)
    if given.outcome == "printed":
        return done(True, t("The new slip is printed. The old code is void."))
    kept = {
        "settled": t("There is no doubt about that slip."),
        "used": t("That slip has come out: its code was redeemed. No new code was given."),
        "busy": t("That code is being redeemed or printed right now. Try again in a moment."),
    }
    told_ = kept.get(given.outcome) or _why(given.outcome, t)
    void = t("The old code is void.")
    return done(False, f"{told_} {void}" if given.rid else told_)


async def settle(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Note that a slip of which nobody knew has been seen on paper."""
    ask = msgspec.json.decode(raw, type=Job)
    job = await visiting.services.spooler.settle(ask.job)
    if job is not None:
        await visiting.note("settle", job.id)
    return ended(visiting, job, N_("There is no doubt about that slip."))


async def hold_slips(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Hold every slip back, as while the paper is changed; the one under way is finished."""
    await visiting.services.spooler.pause()
    return done(True, visiting.t("Slips wait until you go on."))


async def release_slips(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Go on printing."""
    await visiting.services.spooler.resume()
    return done(True, visiting.t("Slips are printed again."))


async def claim_slip(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Print the store's code."""
    nothing = N_("The cloud has not given this kiosk a store yet.")
    return ended(visiting, await visiting.services.slips.claim(), nothing)
