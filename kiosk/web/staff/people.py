"""People: a manager adds them, changes their role or PIN, lets them go. Where a hub owns them they are only shown."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web

from kiosk.counter import people
from kiosk.coupons.ids import new_rid
from kiosk.journal.people import NameTaken, Person, Role
from kiosk.web.staff.frame import Visit, done

MOST = 50
Id = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z_-]{0,40}$")]


class Put(msgspec.Struct, frozen=True):
    """POST /staff/person; without `id` a new one, without `pin` the old PIN stays."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=30, pattern=r"^\S(.*\S)?$")]
    role: Role
    id: Id = ""
    pin: Annotated[str, msgspec.Meta(max_length=12)] = ""


class Drop(msgspec.Struct, frozen=True):
    """POST /staff/person-drop."""

    id: Id


async def put(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Add a person, or change one."""
    ask, t, services = msgspec.json.decode(raw, type=Put), visiting.t, visiting.services
    known = {p.id: p for p in await services.journal.people()}
    if any(p.owner == "hub" for p in known.values()):
        return done(False, t("The cloud owns the people; change them there."))
    old = known.get(ask.id)
    if ask.id and old is None:
        return done(False, t("That person is not there any more."))
    if old is None and len(known) >= MOST:
        return done(False, t("There are {n} people already; let one go first.", n=MOST))
    if (ask.pin or old is None) and not people.PIN.fullmatch(ask.pin):
        return done(False, t("A PIN has 4 to 12 digits."))
    if ask.pin and await services.door.taken(ask.pin, ask.id):
        return done(False, t("Choose another PIN; that one is in use."))
    verifier = (
        await people.keep(ask.pin, await services.door.salt()) if ask.pin else old.verifier if old else ""
    )
    person = Person(ask.id or new_rid(), ask.name, ask.role, verifier)
    try:
        await services.journal.put_person(person)
    except NameTaken:
        return done(False, t("Somebody has that name already."))
    await visiting.note("person", person.id)
    return done(True, t("{name} can sign in now.", name=person.name))


async def drop(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Let a person in no more; what they did stays on record."""
    ask, t = msgspec.json.decode(raw, type=Drop), visiting.t
    if not await visiting.services.journal.drop_person(ask.id):
        return done(False, t("That person is not there any more."))
    await visiting.note("person_gone", ask.id)
    return done(True, t("That person cannot sign in any more."))
