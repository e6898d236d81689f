"""Who may do what: the machine itself, the holder of its token, the staff with their PIN.

A request of the machine itself comes from a loopback address, names a loopback host and was not passed on by a proxy. A page
of another site that a browser on the machine shows cannot pose as that: it has an Origin of its own, and sending JSON across
origins needs a permission that is never given.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
import logging
import os
import secrets
from hashlib import sha256
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import msgspec
from aiohttp import web

from kiosk.clock import Clock
from kiosk.counter import people
from kiosk.journal.people import Person
from kiosk.journal.rights import LINE
from kiosk.journal.store import Journal

log = logging.getLogger(__name__)

COOKIE, SESSIONS = "staff", "session.key"
LIFE_S = 12 * 3600
TRIES, WINDOW_S = 5, 300.0
"""Five wrong PINs in five minutes shut an address out until the five minutes are over; restarts do not reset it."""
ALL_TRIES = 30
"""Wrong PINs from all addresses of the network together, in the same time: whoever changes addresses is shut out too. The kiosk's own
page is counted by itself, so that nobody in the network shuts the counter out."""
FIRST = "first"
"""The manager whose PIN is in kiosk.toml or in staff.pin; always there, so that nobody locks the shop out."""
PASSED_ON = ("forwarded", "via", "x-real-ip")
"""Headers of proxies, beside all that begin with `x-forwarded-`: one of them, whichever a shop's proxy sets, is enough."""


class Refused(Exception):
    """A request that is not granted: HTTP status, a code and one sentence."""

    def __init__(self, status: int, error: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.error = status, error


class Visitor(msgspec.Struct, frozen=True):
    """A person with a session."""

    person: Person
    session: str

    @property
    def manages(self) -> bool:
        """Tell whether the person may undo, decide and set."""
        return self.person.role == "manager"


class Knock(msgspec.Struct, frozen=True):
    """How a PIN was received."""

    end: Literal["ok", "wrong", "blocked"]
    person: Person | None = None


def keep_secret(path: Path, fresh: str) -> str:
    """Return the secret in a file of the data directory; make it (0600, whole or not at all) when there is none."""
    try:
        return path.read_text("ascii").strip()
    except FileNotFoundError:
        new = path.with_name(path.name + ".new")
        fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "w") as f:
            f.write(fresh + "\n")
            f.flush()
            os.fsync(f.fileno())
        os.replace(new, path)
        return fresh


class Door:
    """Tells friend from stranger."""

    def __init__(
        self, journal: Journal, clock: Clock, data_dir: Path, pin: str, hosts: tuple[str, ...]
    ) -> None:
        self._journal, self._clock, self._dir, self._pin = journal, clock, data_dir, pin
        self._hosts = {h.lower() for h in hosts}
        self._token = self._key = ""
        self.one = asyncio.Lock()
        """One at a time who comes in: many at once would all pass before the first failure is counted, or a code is spent."""

    def start(self) -> None:
        """Read the secrets of the data directory, or make them."""
        self._token = keep_secret(self._dir / "local.token", secrets.token_urlsafe(32))
        self._key = keep_secret(self._dir / SESSIONS, secrets.token_hex(32))
        if not self._pin:
            self._pin = keep_secret(self._dir / "staff.pin", f"{secrets.randbelow(10**6):06}")

    async def settle(self) -> None:
        """End all sessions where the journal is not the one that they were opened beside: it cannot tell which were ended."""
        if await self._journal.get(LINE) == self._mark(LINE):
            return
        (self._dir / SESSIONS).unlink()
        self._key = keep_secret(self._dir / SESSIONS, secrets.token_hex(32))
        await self._journal.put(LINE, self._mark(LINE))

    # -- machines --

    def known_host(self, request: web.Request) -> bool:
        """Tell whether the request names this kiosk: an address, a local name, or one from `web.hosts`.

        A page whose name was pointed at this machine afterwards (DNS rebinding) names its own host.
        """
        name = _host(request)
        return _is_address(name) or name in self._hosts or name == "localhost" or name.endswith(".local")

    def is_local(self, request: web.Request) -> bool:
        """Tell whether the machine itself asks."""
        name = _host(request)
        direct = _is_loopback(request.remote or "") and not _passed_on(request)
        return direct and (name == "localhost" or _is_loopback(name)) and same_site(request)

    def may_call(self, request: web.Request) -> bool:
        """Tell whether a request may use the local API."""
        word, _, token = request.headers.get("Authorization", "").partition(" ")
        return self.owns(token) if word == "Bearer" and token else self.is_local(request)

    def owns(self, token: str) -> bool:
        """Tell whether a token is the one in `local.token`, which only the kiosk's own user can read."""
        return same(token, self._token)

    # -- people --

    async def knock(self, pin: str, remote: str) -> Knock:
        """Check a PIN; failures are kept in the journal's facts, a lock-out among the acts.

        A right one forgives no wrong one: a clerk would have as many guesses as he likes at the manager's.
        """
        async with self.one:
            now = self._clock.trusted().at.timestamp()
            failures = await self._failures(now)
            mine = failures.get(remote, [])
            if len(mine) >= TRIES or (not _is_loopback(remote) and _many(failures) >= ALL_TRIES):
                return Knock("blocked")
            person = await self._whose(pin)
            if person is not None:
                return Knock("ok", person)
            mine = [*mine, now]
            failures[remote] = mine
            newest = dict(sorted(failures.items(), key=lambda kv: kv[1][-1])[-50:])
            await self._journal.put("pin_failures", json.dumps(newest))
            everybody = not _is_loopback(remote) and _many(failures) == ALL_TRIES
            if len(mine) == TRIES or everybody:
                log.warning(
                    "%d wrong PINs, the last from %s: shut out for %g s", _many(failures), remote, WINDOW_S
                )
                await self._journal.note_act("", remote, "locked")
            return Knock("wrong")

    async def _failures(self, now: float) -> dict[str, list[float]]:
        kept: dict[str, list[float]] = json.loads(await self._journal.get("pin_failures") or "{}")
        return {r: recent for r, ts in kept.items() if (recent := [t for t in ts if 0 <= now - t < WINDOW_S])}

    async def _whose(self, pin: str) -> Person | None:
        if same(pin, self._pin):
            return self._first()
        return await people.find(pin, await self._journal.people())

    def _first(self) -> Person:
        return Person(FIRST, "", "manager", self._mark(f"pin {self._pin}"))

    async def taken(self, pin: str, but: str = "") -> bool:
        """Tell whether a PIN is another person's already."""
        person = await self._whose(pin)
        return person is not None and person.id != but

    async def salt(self) -> bytes:
        """Return the salt of this kiosk's people."""
        if (kept := await self._journal.get("pin_salt")) is None:
            kept = secrets.token_hex(16)
            await self._journal.put("pin_salt", kept)
        return bytes.fromhex(kept)

    def _mark(self, text: str) -> str:
        return hmac.new(self._key.encode(), as_bytes(text), sha256).hexdigest()[:40]

    def mark(self, raw: bytes) -> str:
        """Return what stands for bytes that are not kept: nobody without this kiosk's key can make it."""
        return hmac.new(self._key.encode(), raw, sha256).hexdigest()

    def open_session(self, person: Person, life_s: int = LIFE_S) -> str:
        """Return the value of a session's cookie: until when, whose, under which PIN and role."""
        until = int(self._clock.wall().timestamp()) + life_s
        raw = f"{until}.{person.id}.{self._standing(person)}.{secrets.token_hex(12)}"
        return f"{raw}.{self._mark(raw)}"

    def _standing(self, person: Person) -> str:
        """Return what changes with a person's PIN or role, so that old sessions end."""
        return self._mark(f"standing {person.id} {person.role} {person.verifier}")[:16]

    async def visitor(self, request: web.Request) -> Visitor | None:
        """Return the person whose session a request belongs to."""
        raw, _, mark = request.cookies.get(COOKIE, "").rpartition(".")
        if not raw or not same(mark, self._mark(raw)):
            return None
        until, person_id, standing, token = raw.split(".")
        if int(until) <= self._clock.wall().timestamp() or token in await self._ended():
            return None
        known = await self.person(person_id)
        return Visitor(known, raw) if known is not None and self._standing(known) == standing else None

    async def person(self, person_id: str) -> Person | None:
        """Return who has that id and may sign in."""
        if person_id == FIRST:
            return self._first()
        return next((p for p in await self._journal.people() if p.id == person_id), None)

    async def _ended(self) -> dict[str, int]:
        kept: dict[str, int] = json.loads(await self._journal.get("sessions_ended") or "{}")
        return kept

    async def end_session(self, visitor: Visitor) -> None:
        """End a session for good: its cookie is of no use any more, wherever a copy of it is."""
        until, _, _, token = visitor.session.split(".")
        await self.end_token(token, int(until))

    async def has_ended(self, token: str) -> bool:
        """Tell whether a session was ended before its time."""
        return token in await self._ended()

    async def end_token(self, token: str, until: int) -> None:
        """End the session of a token that would hold until then (seconds since 1970)."""
        now = self._clock.wall().timestamp()
        ended = {t: u for t, u in (await self._ended()).items() if u > now}
        await self._journal.put("sessions_ended", json.dumps({**ended, token: until}))

    def csrf(self, session: str) -> str:
        """Return the token that every change of a session carries."""
        return self._mark(f"csrf {session}")[:32]

    def is_ours(self, request: web.Request, visitor: Visitor, token: str) -> bool:
        """Tell whether a request that changes something comes from a page of ours with that session."""
        return same_site(request) and same(token, self.csrf(visitor.session))


def over_tls(request: web.Request) -> bool:
    """Tell whether the browser speaks TLS: with this kiosk, or as a proxy before it says. The worst that a lie does is a cookie that is never sent."""
    return request.secure or request.headers.get("X-Forwarded-Proto", "").strip().lower() == "https"


def same_site(request: web.Request) -> bool:
    """Tell whether a browser says that a page of ours, or no page at all, asks (Fetch Metadata, RFC 6454 Origin)."""
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        return False
    origin = request.headers.get("Origin")
    try:
        return origin is None or urlsplit(origin).netloc == request.host
    except ValueError:  # no page has such an origin
        return False


def as_bytes(text: str) -> bytes:
    """Return what came from outside as bytes: a header may hold any."""
    return text.encode("utf-8", "surrogatepass")


def same(given: str, right: str) -> bool:
    """Compare two texts in constant time."""
    return hmac.compare_digest(as_bytes(given), right.encode())


def _host(request: web.Request) -> str:
    """Return the host that a request names, in small letters; empty where it names none."""
    try:
        return (urlsplit(f"//{request.host}").hostname or "").lower()
    except ValueError:
        return ""


def _many(failures: dict[str, list[float]]) -> int:
    """Count the wrong PINs of the network."""
    return sum(len(ts) for remote, ts in failures.items() if not _is_loopback(remote))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _passed_on(request: web.Request) -> bool:
    """Tell whether a proxy handed the request on."""
    names = [name.lower() for name in request.headers]
    return any(name in PASSED_ON or name.startswith("x-forwarded-") for name in names)


def _is_loopback(name: str) -> bool:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback
