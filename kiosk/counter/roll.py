"""The roll of people: who is put on it, changed and taken off, and why not. Where a hub owns the people it is only read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

import msgspec

from kiosk.counter import people
from kiosk.counter.notdone import NotDone
from kiosk.coupons.ids import new_rid
from kiosk.journal.people import NameTaken, Person, Role
from kiosk.journal.store import Journal
from ui.marks import N_

MOST = 50
Id = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z_-]{0,40}$")]


class PersonAsk(msgspec.Struct, frozen=True):
    """A person to add or to change: without `id` a new one, without `pin` the old PIN stays."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=30, pattern=r"^\S(.*\S)?$")]
    role: Role
    id: Id = ""
    pin: Annotated[str, msgspec.Meta(max_length=12)] = ""


Taken = Callable[[str, str], Awaitable[bool]]
"""PIN, id of who may have it -> whether another person has it."""
Salt = Callable[[], Awaitable[bytes]]


async def put(journal: Journal, ask: PersonAsk, taken: Taken, salt: Salt) -> Person:
    """Add a person, or change one; NotDone says why not."""
    known = {p.id: p for p in await journal.people()}
    if any(p.owner == "hub" for p in known.values()):
        raise NotDone("hub_owns_people", N_("The cloud owns the people; change them there."))
    old = known.get(ask.id)
    if ask.id and old is None:
        raise NotDone("unknown_person", N_("That person is not there any more."))
    if old is None and len(known) >= MOST:
        raise NotDone("many_people", N_("There are {n} people already; let one go first."), n=MOST)
    if (ask.pin or old is None) and not people.PIN.fullmatch(ask.pin):
        raise NotDone("bad_pin", N_("A PIN has 4 to 12 digits."))
    if ask.pin and await taken(ask.pin, ask.id):
        raise NotDone("pin_taken", N_("Choose another PIN; that one is in use."))
    verifier = await people.keep(ask.pin, await salt()) if ask.pin else old.verifier if old else ""
    person = Person(ask.id or new_rid(), ask.name, ask.role, verifier)
    try:
        await journal.put_person(person)
    except NameTaken:
        raise NotDone("name_taken", N_("Somebody has that name already.")) from None
    return person


async def drop(journal: Journal, person: str) -> None:
    """Let a person in no more; what they did stays on record. NotDone when there is none."""
    if not await journal.drop_person(person):
        raise NotDone("unknown_person", N_("That person is not there any more."))
