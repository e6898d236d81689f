"""People: a manager adds them, changes their role or PIN, lets them go. Where a hub owns them they are only shown."""

from __future__ import annotations

import msgspec
from aiohttp import web

from kiosk.counter import roll
from kiosk.counter.notdone import NotDone
from kiosk.counter.roll import Id, PersonAsk
from kiosk.web.staff.frame import Visit, done


class Drop(msgspec.Struct, frozen=True):
    """POST /staff/person-drop."""

    id: Id


async def put(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Add a person, or change one."""
    ask, t, services = msgspec.json.decode(raw, type=PersonAsk), visiting.t, visiting.services
    try:
        person = await roll.put(services.journal, ask, services.door.taken, services.door.salt)
    except NotDone as err:
        return done(False, err.say(t))
    await visiting.note("person", person.id)
    return done(True, t("{name} can sign in now.", name=person.name))


async def drop(visiting: Visit, raw: bytes) -> web.StreamResponse:
    """Let a person in no more; what they did stays on record."""
    ask, t = msgspec.json.decode(raw, type=Drop), visiting.t
    try:
        await roll.drop(visiting.services.journal, ask.id)
    except NotDone as err:
        return done(False, err.say(t))
    await visiting.note("person_gone", ask.id)
    return done(True, t("That person cannot sign in any more."))
