"""The network of the simulation: it loses, delays, doubles and reorders; and the hub at its end, real below HTTP."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

import msgspec

from hub import device_api
from hub.errors import HubError, Refused
from hub.parts import Parts
from hub.store import feed
from hub.store.nonces import Seal
from kiosk.sync import protocol as p
from kiosk.sync.client import HubAway, HubRefused
from kiosk.sync.identity import Identity

T = TypeVar("T")
CALL_S = 10.0
HELD_S = 50.0
RINGS = ("journal", "pool", "lease")
"""What the device API rings the bell for, besides an enrolment."""


class Request(dict[str, Any]):
    """What a handler of the device API asks of a request that was let through.

    One that the network doubled has a nonce of its own each time: what it changes must be once without the refusal of replays.
    """

    def __init__(self, query: str, store: str, app: dict[Any, Any], seal: Seal) -> None:
        super().__init__({device_api.STORE: store, device_api.SEAL: seal})
        self.app = app
        self.query = dict(parse_qsl(query))
        self.remote, self.headers = "10.0.0.1", dict[str, str]()


class SimHub:
    """A hub: the handlers of the device API on real SQLite."""

    def __init__(self, parts: Parts, now: Callable[[], datetime]) -> None:
        self.parts, self.now = parts, now
        self.app: dict[Any, Any] = {device_api.JOURNALS: asyncio.Semaphore(1)}
        self.up, self.answered = True, 0
        self.news = asyncio.Event()
        self.seen: asyncio.Event | None = None
        self.last = 0
        self.in_vain: dict[str, tuple[str, int]] = {}
        database: Any = parts.database

        async def run(work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            return database.call(work, *args, **kwargs)

        database.run = run

    def ring(self) -> None:
        self.news.set()
        self.news = asyncio.Event()

    async def answer(self, device: str, path: str, raw: bytes) -> bytes:
        """Answer one request of an authentic device."""
        place = urlsplit(path)
        name = place.path.rpartition("/")[2]
        row = self.parts.database.call(self.parts.devices.at_the_door, device)
        if name == "enrol":
            return await self._enrol(device, raw)
        if row is None:
            raise Refused("unknown_device", "this hub does not know that kiosk.", 401)
        if row.state != "accepted":
            raise Refused(row.state, f"this kiosk is {row.state}.", 403)
        if name == "wake":
            return await self._wake(device, parse_qsl(place.query))
        handler = getattr(device_api, {"journal": "take_journal"}.get(name, name))
        self.answered += 1
        seal = Seal(self.parts.tenant, device, int(self.now().timestamp()), str(self.answered))
        told = await handler(Request(place.query, row.store or "", self.app, seal), self.parts, device, raw)
        if name in RINGS:
            self.ring()
        return bytes(told.body)

    async def _enrol(self, device: str, raw: bytes) -> bytes:
        ask = msgspec.json.decode(raw, type=p.Enrol)
        key = device_api.unpack(ask.public_key, 32)
        enrol = self.parts.devices.enrol
        told = self.parts.database.call(enrol, device, key, ask.name, ask.token, ask.fingerprint, self.now())
        return msgspec.json.encode(told)

    async def _wake(self, device: str, query: list[tuple[str, str]]) -> bytes:
        pos = dict(query).get("pos", "")
        end = asyncio.get_running_loop().time() + HELD_S
        while True:
            known = self._last_change()
            items = self._news(device, pos, known)
            left = end - asyncio.get_running_loop().time()
            if items or left <= 0:
                return msgspec.json.encode(p.Wake(bool(items), self.now()))
            try:
                async with asyncio.timeout(left):
                    while self._last_change() == known:
                        await self.news.wait()
            except TimeoutError:
                continue

    def _news(self, device: str, pos: str, last: int) -> tuple[p.Change, ...]:
        """Return the first change after a position; what was looked for in vain is not looked for before there is a change."""
        if self.in_vain.get(device) == (pos, last):
            return ()
        _, _, items = self.parts.database.call(feed.since, self.parts.tenant, device, pos, 1)
        if not items:
            self.in_vain[device] = (pos, last)
        return items

    def _last_change(self) -> int:
        """Return the newest change; it is looked up once a ring, since 50 kiosks hear each one."""
        if self.seen is not self.news:
            self.seen = self.news
            self.last = self.parts.database.call(
                lambda c: c.exec_driver_sql("SELECT coalesce(max(id), 0) FROM changes").scalar_one()
            )
        return self.last


@dataclass
class Link:
    """One kiosk's way to the hub, and what is wrong with it now."""

    up: bool = True
    loss: float = 0.0
    double: float = 0.0
    slow_s: float = 0.05


class Net:
    """Carries messages; a request that was sent may arrive long after its sender gave up, or died."""

    def __init__(self, hub: SimHub, rng: random.Random) -> None:
        self.hub, self.rng = hub, rng
        self.flying: set[asyncio.Task[None]] = set()
        self.heard: dict[str, float] = {}
        """When each kiosk last got an answer."""
        self.failures: list[BaseException] = []

    async def ask(self, link: Link, device: str, path: str, raw: bytes) -> bytes:
        """Send a request and wait for the first answer that comes back; for ever, if none does."""
        if not link.up and self.rng.random() < 0.5:
            raise HubAway("connection refused")
        told: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        for _ in range(1 + (self.rng.random() < link.double)):
            if link.up and self.rng.random() >= link.loss:
                task = asyncio.create_task(self._fly(link, device, path, raw, told), name="flying")
                self.flying.add(task)
                task.add_done_callback(self._landed)
        return await told

    def _landed(self, task: asyncio.Task[None]) -> None:
        """Keep what broke at the hub: a kiosk would merely hear nothing."""
        self.flying.discard(task)
        if not task.cancelled() and (err := task.exception()) is not None:
            self.failures.append(err)

    async def _fly(self, link: Link, device: str, path: str, raw: bytes, told: asyncio.Future[bytes]) -> None:
        await asyncio.sleep(self.rng.uniform(0, link.slow_s))
        if not self.hub.up:
            return
        held = path.startswith("/v1/device/wake")
        answer: bytes | Exception
        try:
            answer = await self.hub.answer(device, path, raw)
        except Refused as err:
            answer = HubRefused(err.error, str(err), err.status)
        except HubError as err:
            answer = HubAway(str(err))
        await asyncio.sleep(self.rng.uniform(0, link.slow_s))
        lost = not self.hub.up or not link.up or self.rng.random() < link.loss
        if told.done() or (lost and not held):
            return
        if lost:
            told.set_exception(HubAway("the held request was cut"))
            return
        self.heard[device] = asyncio.get_running_loop().time()
        if isinstance(answer, Exception):
            told.set_exception(answer)
        else:
            told.set_result(answer)


class SimClient:
    """Stands where `HubClient` stands."""

    url = "http://hub.test"

    def __init__(self, net: Net, link: Link, identity: Identity, clock: Any) -> None:
        self.net, self.link, self.identity, self.clock = net, link, identity, clock

    async def start(self) -> None:
        """Nothing to open."""

    async def stop(self) -> None:
        """Nothing to close."""

    async def call(
        self, method: str, path: str, kind: type[T], body: Any = None, *, deadline_s: float | None = None
    ) -> T:
        raw = b"" if body is None else msgspec.json.encode(body)
        begun, deadline = self.clock.mono(), CALL_S if deadline_s is None else deadline_s
        try:
            async with asyncio.timeout(deadline):
                text = await self.net.ask(self.link, self.identity.device, path, raw)
        except TimeoutError:
            raise HubAway(f"no answer within {deadline:g} s") from None
        value = msgspec.json.decode(text, type=kind)
        if (at := getattr(value, "server_time", None)) is not None:
            self.clock.learn(at, self.clock.mono() - begun)
        return value

    async def enrol(self, name: str, token: str | None) -> p.Enrolled:
        from kiosk.sync.identity import b64

        body = p.Enrol(b64(self.identity.public), "", "", name, token, {})
        return await self.call("POST", "/v1/device/enrol", p.Enrolled, body)
