"""People who may sign in at the staff console."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from kiosk.counter import roll
from kiosk.counter.notdone import NotDone
from kiosk.counter.roll import PersonAsk
from kiosk.health.model import Told
from kiosk.journal.people import Role
from kiosk.web.api.operation import Call, operation
from kiosk.web.api.problems import Problem


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
