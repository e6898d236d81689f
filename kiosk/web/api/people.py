"""People who may sign in at the staff console, their phones, and who was shut out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from kiosk.counter import roll
from kiosk.counter.notdone import NotDone
from kiosk.counter.roll import PersonAsk
from kiosk.health.model import Told
from kiosk.journal.people import Role
from kiosk.web import phones as room
from kiosk.web.api.operation import Call, operation
from kiosk.web.api.printing import Ended, ended
from kiosk.web.api.problems import Problem
from kiosk.web.door import FIRST


class PersonPath(msgspec.Struct, frozen=True):
    """One person."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z_-]{1,40}$")]


class PersonRow(msgspec.Struct, frozen=True):
    """A person; PINs are never told."""

    id: str
    name: str
    role: Role
    owner: Literal["kiosk", "hub"]


class PeopleList(msgspec.Struct, frozen=True):
    """People who may sign in, besides the manager of kiosk.toml or staff.pin, who is always there."""

    people: list[PersonRow]


def problem(err: NotDone) -> Problem:
    """Return a change that was not made as a problem."""
    return Problem(err.code, Told(err.sentence, {k: str(v) for k, v in err.args_.items()}))


@operation("GET", "people", "manage")
async def people(call: Call) -> PeopleList:
    """List who may sign in."""
    found = await call.services.journal.people()
    return PeopleList([PersonRow(p.id, p.name, p.role, p.owner) for p in found])


@operation(
    "POST",
    "people",
    "manage",
    "hub_owns_people",
    "unknown_person",
    "many_people",
    "bad_pin",
    "pin_taken",
    "name_taken",
    secret=True,
)
async def put_person(call: Call, body: PersonAsk) -> PersonRow:
    """Add a person, or change the one with that `id`; without `pin` the old one stays."""
    door = call.services.door
    try:
        person = await roll.put(call.services.journal, body, door.taken, door.salt)
    except NotDone as err:
        raise problem(err) from None
    await call.note("person", person.id)
    return PersonRow(person.id, person.name, person.role, person.owner)


@operation("DELETE", "people/{id}", "manage", "unknown_person")
async def drop_person(call: Call, path: PersonPath) -> PeopleList:
    """Let a person in no more; what they did stays on record."""
    try:
        await roll.drop(call.services.journal, path.id)
    except NotDone as err:
        raise problem(err) from None
    await call.note("person_gone", path.id)
    found = await call.services.journal.people()
    return PeopleList([PersonRow(p.id, p.name, p.role, p.owner) for p in found])


class PhoneRow(msgspec.Struct, frozen=True):
    """A phone that is signed in; `person` is an id."""

    id: str
    name: str
    person: str
    paired_at: datetime


class PhoneList(msgspec.Struct, frozen=True):
    """Phones that are signed in."""

    phones: list[PhoneRow]


class PhonePath(msgspec.Struct, frozen=True):
    """One phone."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{24}$")]


class PhoneAsk(msgspec.Struct, frozen=True):
    """POST /api/v1/slips/phone: whose phone it pairs."""

    person: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z_-]{1,40}$")] = FIRST
    """An id of `people`, or `first`: the manager of kiosk.toml or staff.pin."""


class Lockout(msgspec.Struct, frozen=True):
    """An address that gave too many wrong PINs, and when it was shut out for five minutes."""

    at: datetime
    address: str


class Lockouts(msgspec.Struct, frozen=True):
    """Who was shut out, the newest first."""

    lockouts: list[Lockout]


@operation("POST", "slips/phone", "manage", "unknown_person", "no_way", "many_slips")
async def phone_slip(call: Call, body: PhoneAsk) -> Ended:
    """Print the slip that pairs a phone; its code is on paper alone, works once and for ten minutes."""
    try:
        row = await room.print_slip(call.services, call.request, body.person, call.t("Manager"))
    except NotDone as err:
        raise problem(err) from None
    await call.note("phone_slip", body.person)
    return ended(row)


@operation("GET", "phones", "manage")
async def phones(call: Call) -> PhoneList:
    """List the phones that are signed in."""
    return await _phones(call)


@operation("DELETE", "phones/{id}", "manage", "unknown_phone")
async def drop_phone(call: Call, path: PhonePath) -> PhoneList:
    """Sign a phone out, at once."""
    try:
        await room.drop(call.services, path.id)
    except NotDone as err:
        raise problem(err) from None
    await call.note("phone_gone", path.id)
    return await _phones(call)


async def _phones(call: Call) -> PhoneList:
    found = await room.paired(call.services)
    return PhoneList([PhoneRow(p.id, p.name, p.person.id, p.at) for p in found])


@operation("GET", "lockouts", "manage")
async def lockouts(call: Call) -> Lockouts:
    """List the addresses that gave too many wrong PINs."""
    acts = await call.services.journal.acts("locked")
    return Lockouts([Lockout(a.at, a.name) for a in acts])
