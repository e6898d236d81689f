"""Phones that stay signed in: the slips that pair one, those that are paired, one signed out again.

A slip's code has 128 bits, works once and for ten minutes, and is kept as a digest. A paired phone is a session of its own: it ends
with the person's PIN or role, or when it is removed.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
from aiohttp import web

from kiosk.counter.notdone import NotDone
from kiosk.journal.people import Person
from kiosk.journal.rows import JobRow
from kiosk.web.network import is_here, reached
from kiosk.web.services import Services
from ui.marks import N_

CODE_S = 600
WAITING, PAIRED = "phones_waiting", "phones"
MOST_WAITING = 5
NO_PERSON = N_("That person is not there any more.")
NO_WAY = N_(
    "Phones cannot reach this kiosk: it serves this machine alone. A manager opens it to the shop's network in the settings."
)
NOT_OPEN = N_("Phones cannot reach this kiosk at {address}; Health says why and what to do.")
MANY = N_("Pairing slips that wait: {n}. Use one, or wait ten minutes.")
NO_PHONE = N_("That phone is not there any more.")


class Phone(msgspec.Struct, frozen=True):
    """A phone that is signed in, and for whom."""

    id: str
    name: str
    person: Person
    at: datetime


async def kept(services: Services, name: str) -> dict[str, dict[str, Any]]:
    """Return what is kept and not over."""
    rows: dict[str, dict[str, Any]] = json.loads(await services.journal.get(name) or "{}")
    now = services.clock.wall().timestamp()
    return {key: value for key, value in rows.items() if value["until"] > now}


def digest(code: str) -> str:
    """Return what is kept of a code."""
    return hashlib.sha256(code.encode()).hexdigest()


async def print_slip(services: Services, request: web.Request, person_id: str, unnamed: str) -> JobRow:
    """Print the slip that pairs a phone with a person; `unnamed` stands for one without a name. NotDone says why not."""
    person = await services.door.person(person_id)
    if person is None:
        raise NotDone("unknown_person", NO_PERSON)
    origin = await _origin(services, request)
    waiting = await kept(services, WAITING)
    if len(waiting) >= MOST_WAITING:
        raise NotDone("many_slips", MANY, n=len(waiting))
    code = secrets.token_urlsafe(16)
    waiting[digest(code)] = {"person": person.id, "until": services.clock.wall().timestamp() + CODE_S}
    await services.journal.put(WAITING, json.dumps(waiting))
    return await services.slips.pairing(f"{origin}/staff/pair/{code}", person.name or unnamed)


async def _origin(services: Services, request: web.Request) -> str:
    """Return where a phone reaches this kiosk: as whoever asks does, or at its address in the shop's network; NotDone: nowhere."""
    seen = urlsplit(request.headers.get("Origin") or str(request.url.origin()))
    if not is_here(seen.hostname or ""):
        return f"{seen.scheme}://{seen.netloc}"
    lan = services.settings.web.lan
    if lan and (await services.gatherer.facts()).not_open == lan:
        raise NotDone("no_way", NOT_OPEN, address=lan)
    if not (ways := reached(services.settings)):
        raise NotDone("no_way", NO_WAY)
    return ways[0]


async def paired(services: Services) -> list[Phone]:
    """Return the phones that are signed in."""
    rows = []
    for token, value in (await kept(services, PAIRED)).items():
        person = await services.door.person(value["person"])
        if person is not None and not await services.door.has_ended(token):
            rows.append(Phone(token, value["name"], person, datetime.fromtimestamp(value["at"], UTC)))
    return rows


async def drop(services: Services, phone_id: str, owner: str = "") -> None:
    """Sign a phone out at once; with `owner` only a phone of theirs. NotDone when it is not there."""
    async with services.door.one:
        phones = await kept(services, PAIRED)
        phone = phones.get(phone_id)
        if phone is None or owner not in ("", phone["person"]):
            raise NotDone("unknown_phone", NO_PHONE)
        await services.door.end_token(phone_id, int(phone["until"]))
        phones.pop(phone_id)
        await services.journal.put(PAIRED, json.dumps(phones))
