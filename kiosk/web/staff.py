"""/staff: the staff console. Redeem, print, make stands and posters, see how things are."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec
from aiohttp import web

import posters
from kiosk.counter import words
from kiosk.counter.day_report import today
from kiosk.health.summary import LIGHTS
from kiosk.journal.rows import Attempt, JobRow
from kiosk.web.door import COOKIE, LIFE_S, Refused
from kiosk.web.local_api import RedeemAsk, RollbackAsk, answer
from kiosk.web.services import PAGES, SERVICES, Services
from kiosk.web.workshop import Made
from ui.marks import N_
from ui.texts import Texts, everything, negotiate

LOOKS = {"warm": N_("Warm"), "fresh": N_("Fresh"), "plain": N_("Plain")}
KINDS = {
    "coupon": N_("Coupon"),
    "claim": N_("Store code"),
    "receipt": N_("Receipt"),
    "day": N_("Day report"),
    "self-test": N_("Self-test"),
    "conflict": N_("Conflict notice"),
    "status": N_("Kiosk status"),
    "enrolment": N_("New kiosk"),
}
JOBS = {
    "printed": N_("Printed"),
    "failed": N_("Not printed"),
    "unknown": N_("Look whether it was printed"),
    "queued": N_("Waiting"),
    "sending": N_("Printing"),
    "sent": N_("Printing"),
    "replaced": N_("Printed again"),
}
STATES = {
    "open": N_("Under way"),
    "denied": N_("Not accepted"),
    "void": N_("Not accepted; the coupon stays valid"),
    "rolled_back": N_("Undone"),
}
Handler = Callable[[web.Request, Services, bytes], Awaitable[web.StreamResponse]]


class Poster(msgspec.Struct, frozen=True):
    """POST /staff/poster."""

    template: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-z-]{1,40}$")]
    look: Annotated[str, msgspec.Meta(pattern=r"^[a-z-]{0,20}$")] = ""


class Reprint(msgspec.Struct, frozen=True):
    """POST /staff/reprint and /staff/settle."""

    job: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z]{1,32}$")]


def add_routes(app: web.Application) -> None:
    """Add the console."""
    app.router.add_get("/staff", page)
    app.router.add_post("/staff/sign-in", sign_in)
    app.router.add_post("/staff/sign-out", sign_out)
    for name, handler in (
        ("redeem", redeem),
        ("rollback", rollback),
        ("reprint", reprint),
        ("settle", settle),
        ("hold-slips", hold_slips),
        ("release-slips", release_slips),
        ("day-slip", day_slip),
        ("claim-slip", claim_slip),
        ("poster", poster),
    ):
        app.router.add_post(f"/staff/{name}", signed_in(handler))
    app.router.add_get(r"/staff/made/{name:[0-9a-z-]+\.(?:pdf|png)}", made)


def signed_in(handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Let only a page of ours with a session change something."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        services = request.app[SERVICES]
        if services.door.session(request) is None:
            raise Refused(401, "signed_out", "the session is over; sign in again.")
        if not services.door.is_staff(request, request.headers.get("X-CSRF", "")):
            raise Refused(403, "csrf", "that did not come from this console; load the page again.")
        return await handler(request, services, await request.read())

    return guarded


def _t(request: web.Request) -> Texts:
    return words.counter_texts(negotiate(request.headers.get("Accept-Language")))


def _show(request: web.Request, name: str, status: int = 200, **context: Any) -> web.Response:
    locale = negotiate(request.headers.get("Accept-Language"))
    pages = request.app[PAGES]
    font = pages.font_css(
        everything("kiosk", "kiosk", locale) + everything("ui", "ui", locale) + str(context), (400, 700)
    )
    html = pages.render(name, locale, font=font, **context)
    return web.Response(
        text=html, status=status, content_type="text/html", headers={"Cache-Control": "no-store"}
    )


async def page(request: web.Request) -> web.StreamResponse:
    """Show the console, or ask for the PIN."""
    services = request.app[SERVICES]
    session = services.door.session(request)
    if session is None:
        return _show(request, "staff_sign_in.html.jinja", wrong="")
    return _show(
        request, "staff.html.jinja", csrf=services.door.csrf(session), **await _load(request, services)
    )


async def _load(request: web.Request, services: Services) -> dict[str, Any]:
    t, journal = _t(request), services.journal
    place, merchant = await services.place(), await journal.merchant()
    names = {b.stock_id: b.name for b in await journal.batches()}
    findings, lights = await services.gatherer.examine()
    infos = sorted(posters.templates(), key=lambda i: (i.id != "stand-a6", i.width_mm * i.height_mm))
    chinese = t.locale == "zh_CN"
    return {
        "merchant": merchant.name if merchant else "",
        "store": place.store.name if place.store else "",
        "day": await today(journal, services.clock),
        "recent": [_attempt(a, names, t) for a in await journal.recent(12) if a.state != "open"],
        "jobs": [_job(j, t) for j in await journal.jobs(limit=12)],
        "held": services.spooler.paused,
        "kinds": [{"id": kind, "title": t(title)} for kind, title in KINDS.items()],
        "templates": [{"id": i.id, "title": i.title.zh if chinese else i.title.en} for i in infos],
        "looks": [{"id": i, "title": t(title)} for i, title in LOOKS.items()],
        "lights": {n: {**light.as_json(t.locale), "title": t(LIGHTS[n])} for n, light in lights.items()},
        "findings": [f.as_json(t.locale) for f in findings],
    }


def _attempt(a: Attempt, names: dict[str, str], t: Texts) -> dict[str, Any]:
    if a.state == "recorded":
        told = (
            t("Confirmed by the cloud")
            if a.verdict == "confirmed"
            else t("Accepted here under the batch's rule")
        )
    else:
        told = t(STATES.get(a.state, STATES["denied"]))
    name = names.get(a.stock_id or "", a.stock_id or "-")
    return {"rid": a.rid, "at": a.at, "name": name, "told": told, "can_undo": a.state == "recorded"}


def _job(j: JobRow, t: Texts) -> dict[str, Any]:
    told = t(JOBS.get(j.state, JOBS["unknown"]))
    return {"id": j.id, "at": j.at, "kind": t(KINDS.get(j.kind, N_("Slip"))), "told": told, "state": j.state}


async def sign_in(request: web.Request) -> web.StreamResponse:
    """Check the PIN and begin a session."""
    services = request.app[SERVICES]
    form = await request.post()
    knocked = await services.door.knock(str(form.get("pin", ""))[:32], request.remote or "")
    if knocked != "ok":
        return _show(request, "staff_sign_in.html.jinja", 429 if knocked == "blocked" else 403, wrong=knocked)
    response = web.HTTPSeeOther("/staff")
    response.set_cookie(
        COOKIE,
        services.door.open_session(),
        max_age=LIFE_S,
        httponly=True,
        samesite="Strict",
        secure=request.secure,
        path="/",
    )
    raise response


async def sign_out(request: web.Request) -> web.StreamResponse:
    """End the session on this device."""
    form = await request.post()
    response = web.HTTPSeeOther("/staff")
    if request.app[SERVICES].door.is_staff(request, str(form.get("csrf", ""))):
        response.del_cookie(COOKIE)
    raise response


async def redeem(request: web.Request, services: Services, raw: bytes) -> web.StreamResponse:
    """Redeem a code that a clerk has typed."""
    ask = msgspec.json.decode(raw, type=RedeemAsk)
    return answer(await services.redeemer.redeem(ask.code, source="staff", total=ask.total, goods=ask.goods))


async def rollback(request: web.Request, services: Services, raw: bytes) -> web.StreamResponse:
    """Undo a redemption."""
    ask = msgspec.json.decode(raw, type=RollbackAsk)
    done, t = await services.redeemer.rollback(ask.rid, ask.why, "staff"), _t(request)
    told = t("Undone. The coupon can be used again.") if done else t("That cannot be undone any more.")
    return answer({"ok": done, "message": told})


def _ended(request: web.Request, job: JobRow | None, nothing: str) -> web.StreamResponse:
    t = _t(request)
    if job is None:
        return answer({"ok": False, "message": t(nothing)})
    return answer({"ok": job.state == "printed", "message": t(JOBS.get(job.state, JOBS["unknown"]))})


async def reprint(request: web.Request, services: Services, raw: bytes) -> web.StreamResponse:
    """Print a slip once more: the same code, worth once."""
    ask = msgspec.json.decode(raw, type=Reprint)
    return _ended(
        request, await services.spooler.reprint(ask.job), N_("That slip is not there, or is being printed.")
    )


async def settle(request: web.Request, services: Services, raw: bytes) -> web.StreamResponse:
    """Note that a slip of which nobody knew has been seen on paper."""
    ask = msgspec.json.decode(raw, type=Reprint)
    return _ended(request, await services.spooler.settle(ask.job), N_("There is no doubt about that slip."))


async def hold_slips(request: web.Request, services: Services, raw: bytes) -> web.StreamResponse:
    """Hold every slip back, as while the paper is changed; the one under way is finished."""
    await services.spooler.pause()
    t = _t(request)
    return answer({"ok": True, "message": t("Slips wait until you go on.")})


async def release_slips(request: web.Request, services: Services, raw: bytes) -> web.StreamResponse:
    """Go on printing."""
    await services.spooler.resume()
    t = _t(request)
    return answer({"ok": True, "message": t("Slips are printed again.")})


async def day_slip(request: web.Request, services: Services, raw: bytes) -> web.StreamResponse:
    """Print today's figures."""
    return _ended(request, await services.slips.day(), "")


async def claim_slip(request: web.Request, services: Services, raw: bytes) -> web.StreamResponse:
    """Print the store's code."""
    return _ended(
        request, await services.slips.claim(), N_("The cloud has not given this kiosk a store yet.")
    )


async def poster(request: web.Request, services: Services, raw: bytes) -> web.StreamResponse:
    """Make a stand or a poster of this store in a process of its own."""
    ask, t = msgspec.json.decode(raw, type=Poster), _t(request)
    place, merchant = await services.place(), await services.journal.merchant()
    if place.store is None or merchant is None:
        raise Refused(409, "no_store", t("The cloud has not given this kiosk a store yet."))
    name = re.sub(r"[^0-9a-z-]", "", f"{ask.template}-{ask.look or 'warm'}-{place.store.id}".lower())
    out = services.data_dir / "made" / f"{name}.pdf"
    out.parent.mkdir(exist_ok=True)
    data = {
        "store_id": place.store.id,
        "merchant": merchant.name,
        "store": place.store.name,
        "address": place.store.address,
        "category": merchant.category,
        "url": place.store.link,
    }
    result: Made = await services.workshop.make(
        ask.template,
        data,
        out,
        look=ask.look,
        profile="office",
        preview=out.with_suffix(".png"),
        locale=t.locale,
    )
    if result.error or result.verdict == "refuse":
        raise Refused(422, "refused", result.error or " ".join(result.findings))
    return answer(
        {"pdf": f"/staff/made/{name}.pdf", "preview": f"/staff/made/{name}.png", "findings": result.findings}
    )


async def made(request: web.Request) -> web.StreamResponse:
    """Give a file that was made."""
    services = request.app[SERVICES]
    if services.door.session(request) is None:
        raise Refused(401, "signed_out", "the session is over; sign in again.")
    path = services.data_dir / "made" / request.match_info["name"]
    if not path.is_file():
        raise web.HTTPNotFound
    return web.FileResponse(path, headers={"Cache-Control": "no-store"})
