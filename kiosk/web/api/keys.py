"""Idempotency keys: a request that is repeated under its key is done once, across lost answers and restarts.

The key is a header (draft-ietf-httpapi-idempotency-key-header). A redemption passes it on as its `request_no`: what the
journal knows of the attempt decides, also when the kiosk stopped in the middle.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Literal

from aiohttp import web

from kiosk.counter import people
from kiosk.health.model import told
from kiosk.web.api.callers import Caller
from kiosk.web.api.problems import Problem
from kiosk.web.door import Refused
from kiosk.web.services import Services

HEADER = "Idempotency-Key"
FORM = re.compile(r"[!-~]{1,200}")
REPLAYED = {"Idempotent-Replayed": "true"}
Again = Literal["kept", "repeat", "once"]
"""What a repeated request gets when the first one ended: its answer. When the kiosk stopped in the middle: `repeat` does it
anew, which harms nothing; the others say that nobody knows. `once`: the answer holds a secret and is not kept."""
Do = Callable[[], Awaitable[web.Response]]


class Keys:
    """The keys of requests that are under way."""

    def __init__(self) -> None:
        self._busy: dict[tuple[str, str], asyncio.Event] = {}

    async def once(
        self, services: Services, caller: Caller, key: str, asked: bytes, again: Again, secret: bool, do: Do
    ) -> web.Response:
        """Do what is asked unless it was done under that key; a second caller waits for the first."""
        place = (caller.place, key)
        while (busy := self._busy.get(place)) is not None:
            await busy.wait()
        self._busy[place] = done = asyncio.Event()
        try:
            digest = await _digest(services, asked, secret)
            if (before := await self._before(services, place, digest, again)) is not None:
                return before
            return await self._do(services, place, again, do)
        finally:
            del self._busy[place]
            done.set()

    @staticmethod
    async def _before(
        services: Services, place: tuple[str, str], digest: str, again: Again
    ) -> web.Response | None:
        """Return what was answered under the key; None when it is to be done."""
        before = await services.journal.claim_key(*place, digest)
        if before is None:
            return None
        if before.digest != digest:
            raise Problem(
                "key_reused",
                told("that Idempotency-Key was sent with another request; take a fresh one for each."),
            )
        if before.body:
            return web.Response(
                text=before.body, status=before.status or 200, content_type="application/json", headers=REPLAYED
            )  # fmt: skip
        if again == "repeat":
            return None
        if before.status is not None:
            raise Problem(
                "shown_once",
                told("that token was made and shown; revoke it and make another one, under a fresh key."),
            )
        raise Problem(
            "outcome_unknown",
            told("the kiosk stopped in the middle of that; look what became of it before you ask again."),
        )

    @staticmethod
    async def _do(services: Services, place: tuple[str, str], again: Again, do: Do) -> web.Response:
        try:
            response = await do()
        except Refused:
            await services.journal.free_key(*place)  # nothing was done
            raise
        plain = response.content_type == "application/json" and again != "once"
        await services.journal.keep_answer(*place, response.status, (response.text or "") if plain else "")
        return response


KEYS = web.AppKey("idempotency_keys", Keys)


def key_of(request: web.Request) -> str:
    """Return the key of a request; empty without one."""
    key = request.headers.get(HEADER)
    if key is None:
        return ""
    if not FORM.fullmatch(key):
        raise Problem("bad_request", told("Idempotency-Key is 1 to 200 printable characters without spaces."))
    return key


def request_no(caller: Caller, key: str) -> str | None:
    """Return the number under which the journal knows a redemption that came with a key."""
    return f"i-{_short(f'{caller.place} {key}')}" if key else None


def own_number(place: str, number: str | None) -> str | None:
    """Return a caller's own number of a redemption as the journal knows it: the same of another caller is another.

    Programs of the machine have no name, and their numbers stay as they are.
    """
    return f"n-{_short(f'{place} {number}')}" if place and number else number


def _short(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:30]


async def _digest(services: Services, asked: bytes, secret: bool) -> str:
    """Return what is kept of a request; what holds a PIN or a passphrase is made dear to guess (RFC 7914)."""
    mark = services.door.mark(asked)
    if not secret:
        return mark
    salt = await services.door.salt()
    dear = await asyncio.to_thread(people.derive, mark, people.LOG_N, people.BLOCK, people.LANES, salt)
    return dear.hex()
