"""Phones paired by a slip: its QR code opens the console on the phone that scans it, for one person, for thirty days.

Opening the page spends nothing (scanners open addresses to look at them); the tap on its button does.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

import msgspec
from aiohttp import web

from kiosk.counter.notdone import NotDone
from kiosk.journal.people import Person
from kiosk.web import phones
from kiosk.web.door import COOKIE, FIRST, Refused, over_tls, same_site
from kiosk.web.phones import PAIRED, WAITING, digest, kept
from kiosk.web.services import SERVICES, Services
from kiosk.web.staff import told
from kiosk.web.staff.frame import Visit, bare, done, form, texts_for
from ui.marks import N_

LIFE_S = 30 * 86400
MOST = 20
STALE = N_("That slip was used, or is more than ten minutes old. Print a new one.")
MODELS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "HarmonyOS": "HarmonyOS",
    "Android": "Android",
    "Windows": "Windows",
}


class Pair(msgspec.Struct, frozen=True):
    """POST /staff/phone-slip; without `person` for whoever asks."""

    person: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z_-]{0,40}$")] = ""


class Gone(msgspec.Struct, frozen=True):
    """POST /staff/phone-drop."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{24}$")]


async def slip(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Print the slip that pairs a phone; a manager may print one for somebody else."""
    ask, services, t = msgspec.json.decode(raw, type=Pair), visiting.services, visiting.t
    mine = visiting.visitor.person
    if ask.person not in ("", mine.id) and not visiting.manages:
        raise Refused(403, "manager", t("Only a manager may do that."))
    person = ask.person or mine.id
    try:
        job = await phones.print_slip(services, visiting.request, person, t("Manager"))
    except NotDone as err:
        return done(False, err.say(t))
    await visiting.note("phone_slip", person)
    return done(job.state == "printed", told.job_state(job, t))


async def _waiting(services: Services, code: str) -> tuple[Person | None, dict[str, dict[str, Any]]]:
    """Return whose phone a code pairs, and the codes that wait."""
    waiting = await kept(services, WAITING)
    found = waiting.get(digest(code))
    return (await services.door.person(found["person"]) if found else None), waiting


async def opened(request: web.Request) -> web.StreamResponse:
    """Show whose phone this becomes, with one button; the code is not spent."""
    services, t = request.app[SERVICES], texts_for(request)
    code = request.match_info["code"]
    person, _ = await _waiting(services, code)
    if person is None:
        return bare(request, "staff_pair.html.jinja", 404, code="", person="", problem=t(STALE))
    return bare(
        request, "staff_pair.html.jinja", 200, code=code, person=person.name or t("Manager"), problem=""
    )


async def pair(request: web.Request) -> web.StreamResponse:
    """Spend the code and sign the phone in."""
    services, t = request.app[SERVICES], texts_for(request)
    code = (await form(request)).get("code", "")[:64]
    async with services.door.one:
        person, waiting = await _waiting(services, code)
        paired = await kept(services, PAIRED)
        if person is None or not same_site(request) or len(paired) >= MOST:
            problem = (
                t("Paired phones: {n}, as many as there may be; remove one first.", n=MOST)
                if person and len(paired) >= MOST
                else t(STALE)
            )
            return bare(request, "staff_pair.html.jinja", 403, code="", person="", problem=problem)
        cookie = services.door.open_session(person, LIFE_S)
        until, _, _, token, _ = cookie.split(".")
        now = services.clock.wall().timestamp()
        paired[token] = {
            "person": person.id, "name": _model(request), "at": now, "until": int(until),
        }  # fmt: skip
        await services.journal.put(PAIRED, json.dumps(paired))
        waiting.pop(digest(code))
        await services.journal.put(WAITING, json.dumps(waiting))
    await services.journal.note_act(person.id, person.name or t("Manager"), "phone", token)
    response = web.HTTPSeeOther("/staff")
    response.set_cookie(
        COOKIE, cookie, max_age=LIFE_S, httponly=True, samesite="Strict", secure=over_tls(request), path="/"
    )
    raise response


def _model(request: web.Request) -> str:
    """Return what kind of device asks, as far as it says."""
    agent = request.headers.get("User-Agent", "")
    return next((name for word, name in MODELS.items() if word in agent), "")


async def listed(visiting: Visit) -> list[dict[str, Any]]:
    """Return the phones that are paired; a clerk sees their own."""
    t, mine = visiting.t, visiting.visitor.person
    return [
        {"id": p.id, "name": p.name or t("Phone"), "person": p.person.name or t("Manager"), "at": p.at}
        for p in await phones.paired(visiting.services)
        if visiting.manages or p.person.id == mine.id
    ]


async def people_for(visiting: Visit) -> list[dict[str, str]]:
    """Return for whom a slip may be printed."""
    t, mine = visiting.t, visiting.visitor.person
    own = {"id": mine.id, "name": mine.name or t("Manager")}
    if not visiting.manages:
        return [own]
    known = await visiting.services.journal.people()
    others = [{"id": p.id, "name": p.name} for p in known if p.id != mine.id]
    first = [{"id": FIRST, "name": t("Manager")}] if mine.id != FIRST else []
    return [own, *first, *others]


async def drop(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Let a phone in no more, at once."""
    ask, services, t = msgspec.json.decode(raw, type=Gone), visiting.services, visiting.t
    try:
        await phones.drop(services, ask.id, "" if visiting.manages else visiting.visitor.person.id)
    except NotDone as err:
        return done(False, err.say(t))
    await visiting.note("phone_gone", ask.id)
    return done(True, t("That phone is signed out."))
