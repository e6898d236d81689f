"""Phones paired by a slip: its QR code opens the console on the phone that scans it, for one person, for thirty days.

The code has 128 bits, works once and for ten minutes, and is kept as a digest. Opening the page spends nothing (scanners open
addresses to look at them); the tap on its button does. A paired phone is a session of its own: it ends with the person's PIN
or role, or when it is removed here.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import secrets
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from aiohttp import web

from kiosk.journal.people import Person
from kiosk.web.door import COOKIE, FIRST, Refused, over_tls, same_site
from kiosk.web.lan import addresses
from kiosk.web.services import SERVICES, Services
from kiosk.web.staff import told
from kiosk.web.staff.frame import Visit, bare, done, texts_for
from kiosk.web.tls import split
from ui.marks import N_

LIFE_S = 30 * 86400
CODE_S = 600
WAITING, PAIRED = "phones_waiting", "phones"
MOST_WAITING, MOST = 5, 20
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


async def _read(services: Services, name: str) -> dict[str, dict[str, Any]]:
    """Return what is kept and not over."""
    kept: dict[str, dict[str, Any]] = json.loads(await services.journal.get(name) or "{}")
    now = services.clock.wall().timestamp()
    return {key: value for key, value in kept.items() if value["until"] > now}


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


async def slip(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Print the slip that pairs a phone; a manager may print one for somebody else."""
    ask, services, t = msgspec.json.decode(raw, type=Pair), visiting.services, visiting.t
    mine = visiting.visitor.person
    if ask.person not in ("", mine.id) and not visiting.manages:
        raise Refused(403, "manager", t("Only a manager may do that."))
    person = await services.door.person(ask.person or mine.id)
    if person is None:
        return done(False, t("That person is not there any more."))
    if (origin := _origin(visiting)) is None:
        return done(
            False,
            t(
                "Phones cannot reach this kiosk: it serves this machine alone. Set web.listen in kiosk.toml first."
            ),
        )
    waiting = await _read(services, WAITING)
    if len(waiting) >= MOST_WAITING:
        return done(False, t("Pairing slips that wait: {n}. Use one, or wait ten minutes.", n=len(waiting)))
    code = secrets.token_urlsafe(16)
    waiting[_digest(code)] = {"person": person.id, "until": services.clock.wall().timestamp() + CODE_S}
    await services.journal.put(WAITING, json.dumps(waiting))
    name = person.name or t("Manager")
    job = await services.slips.pairing(f"{origin}/staff/pair/{code}", name)
    await visiting.note("phone_slip", person.id)
    return done(job.state == "printed", told.job_state(job, t))


def _origin(visiting: Visit) -> str | None:
    """Return where a phone reaches this kiosk: as whoever asks does, or at this machine's address in the shop's network."""
    request = visiting.request
    seen = urlsplit(request.headers.get("Origin") or str(request.url.origin()))
    if not _is_here(seen.hostname or ""):
        return f"{seen.scheme}://{seen.netloc}"
    host, _ = split(visiting.services.settings.web.listen)
    own = addresses() if host in ("0.0.0.0", "::") else () if _is_here(host) else (host,)  # noqa: S104  (compared, not bound)
    return f"{seen.scheme}://{own[0]}:{seen.port or 80}" if own else None


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _waiting(services: Services, code: str) -> tuple[Person | None, dict[str, dict[str, Any]]]:
    """Return whose phone a code pairs, and the codes that wait."""
    waiting = await _read(services, WAITING)
    found = waiting.get(_digest(code))
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
    form = await request.post()
    code = str(form.get("code", ""))[:64]
    async with services.door.one:
        person, waiting = await _waiting(services, code)
        paired = await _read(services, PAIRED)
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
        waiting.pop(_digest(code))
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
    from datetime import UTC, datetime

    services, t, mine = visiting.services, visiting.t, visiting.visitor.person
    rows = []
    for token, value in (await _read(services, PAIRED)).items():
        person = await services.door.person(value["person"])
        if (
            person is None
            or await services.door.has_ended(token)
            or (person.id != mine.id and not visiting.manages)
        ):
            continue
        rows.append(
            {
                "id": token,
                "name": value["name"] or t("Phone"),
                "person": person.name or t("Manager"),
                "at": datetime.fromtimestamp(value["at"], UTC),
            }
        )
    return rows


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
    async with services.door.one:
        paired = await _read(services, PAIRED)
        phone = paired.get(ask.id)
        if phone is None or (phone["person"] != visiting.visitor.person.id and not visiting.manages):
            return done(False, t("That phone is not there any more."))
        await services.door.end_token(ask.id, int(phone["until"]))
        paired.pop(ask.id)
        await services.journal.put(PAIRED, json.dumps(paired))
    await visiting.note("phone_gone", ask.id)
    return done(True, t("That phone is signed out."))
