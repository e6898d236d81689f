"""/v1/device/...: what kiosks say and ask."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import random
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa
from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from hub.errors import HubError, Refused
from hub.parts import Parts, now
from hub.store import envelope, feed, homes, nonces, tides, upload
from hub.store.envelope import clean
from hub.store.said import MAX_FEN
from kiosk.sync import protocol as p
from ui.doorkeeper import is_local

PARTS = web.AppKey("parts", Parts)
HOLD_S = (45.0, 55.0)
"""How long a wake request is held: long enough to be rare, short enough for proxies that cut at 60 s."""

TIME = re.compile(r"[0-9]{1,12}", re.ASCII)
DEVICE = re.compile(r"k[0-9a-f]{20}")
NONCE = re.compile(r"[0-9A-Za-z_=+/-]{16,64}")
T = TypeVar("T")
Handler = Callable[[web.Request, Parts, str, bytes], Awaitable[web.StreamResponse]]


class Nonces:
    """The nonces of late, so that a request that was overheard does nothing when it is sent again.

    Two generations of hashes: one lives as long as a signature may be old or early, about 60 bytes each. Several workers keep
    one each, so requests that change something are looked up in the database as well (`hub.store.nonces`).
    """

    LIFE_S = 2.0 * p.MAX_SKEW_S

    def __init__(self) -> None:
        self._young: set[int] = set()
        self._old: set[int] = set()
        self._since = time.monotonic()

    def fresh(self, device: str, nonce: str) -> bool:
        """Note a nonce; False when it was seen before."""
        if (at := time.monotonic()) - self._since > self.LIFE_S:
            self._old, self._young, self._since = self._young, set(), at
        mark = hash((device, nonce))
        if mark in self._young or mark in self._old:
            return False
        self._young.add(mark)
        return True


NONCES = web.AppKey("nonces", Nonces)
JOURNALS = web.AppKey("journals", asyncio.Semaphore)
"""Runs of journals that the database is asked to take at once: a customer waits behind one of them, not behind a fleet's."""
STORE = web.RequestKey("store", str)
SEAL = web.RequestKey("seal", nonces.Seal)


def add_routes(app: web.Application) -> None:
    """Add the device API."""
    app[NONCES] = Nonces()
    app[JOURNALS] = asyncio.Semaphore(max(1, app[PARTS].database.threads // 2))
    app.router.add_post("/v1/device/enrol", enrol)
    for method, path, handler in (
        ("POST", "redeem", redeem),
        ("POST", "journal", take_journal),
        ("GET", "changes", changes),
        ("GET", "snapshot", snapshot),
        ("GET", "uses", uses),
        ("POST", "pool", pool),
        ("POST", "lease", lease),
        ("GET", "wake", wake),
    ):
        # What a kiosk honoured before it heard that it was shut out comes up all the same, and is named.
        states = ("accepted", "revoked") if path == "journal" else ("accepted",)
        app.router.add_route(method, f"/v1/device/{path}", signed(handler, states))


def answer(value: Any, status: int = 200) -> web.Response:
    """Return a message as JSON."""
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json")


def refusal(err: Refused) -> web.Response:
    """Return an error as JSON, with the hub's time."""
    return answer(p.Error(err.error, str(err), now()), err.status)


def decode(raw: bytes, kind: type[T]) -> T:
    """Read a message; Refused `bad_request` says what is wrong with it."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise Refused("bad_request", f"the message is not right: {err}", 400) from None


def unpack(text: str, length: int) -> bytes:
    """Return base64url bytes of a known length."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raw = b""
    if len(raw) != length:
        raise Refused("bad_request", f"{length} bytes in base64url were expected.", 400)
    return raw


def signed(
    handler: Handler, states: tuple[str, ...] = ("accepted",)
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Let only devices in some states with a good and fresh signature through."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        parts = request.app[PARTS]
        try:
            raw = await request.read()
            device = await _who(request, parts, raw, states)
            return await handler(request, parts, device, raw)
        except Refused as err:
            return refusal(err)
        except HubError as err:
            return refusal(Refused("unavailable", str(err), 503))

    return guarded


async def _who(request: web.Request, parts: Parts, raw: bytes, states: tuple[str, ...]) -> str:
    head = request.headers
    device, when, nonce = (
        head.get("Kiosk-Device", ""),
        head.get("Kiosk-Time", ""),
        head.get("Kiosk-Nonce", ""),
    )
    if not (TIME.fullmatch(when) and NONCE.fullmatch(nonce) and DEVICE.fullmatch(device)):
        raise Refused("bad_signature", "the request is not signed.", 401)
    row = await parts.database.run(parts.devices.at_the_door, device)
    if row is None:
        raise Refused("unknown_device", "this hub does not know that kiosk; enrol it.", 401)
    text = p.signed_text(request.method, request.raw_path, int(when), nonce, raw)
    if not _proven(row.public_key, head.get("Kiosk-Signature", ""), text):
        raise Refused("bad_signature", "the signature does not fit the request.", 401)
    if abs(now().timestamp() - int(when)) > p.MAX_SKEW_S:
        raise Refused("time", "the request's time is off; sign again with server_time.", 401)
    if not request.app[NONCES].fresh(device, nonce):
        raise nonces.replay()
    if row.state not in states:
        raise Refused(row.state, f"this kiosk is {row.state}.", 403)
    request[STORE], request[SEAL] = row.store or "", nonces.Seal(parts.tenant, device, int(when), nonce)
    return device


def _proven(key: bytes, signature: str, text: bytes) -> bool:
    try:
        raw = unpack(signature, 64)
        Ed25519PublicKey.from_public_bytes(bytes(key)).verify(raw, text)
    except (InvalidSignature, Refused):
        return False
    return True


def address(request: web.Request) -> str:
    """Return where a request comes from, as the proxy on this machine says; another one's word counts for nothing."""
    near = request.remote or ""
    said = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return clean(said if said and is_local(near) else near)[:64]


async def enrol(request: web.Request) -> web.StreamResponse:
    """Let a kiosk ask to be let in."""
    parts = request.app[PARTS]
    try:
        ask = decode(await request.read(), p.Enrol)
        key = unpack(ask.public_key, 32)
        if not _proven(key, ask.proof, p.enrol_text(ask.nonce, ask.token)):
            raise Refused("bad_signature", "the proof does not fit the key.", 401)
        told = await parts.database.run(
            parts.devices.enrol, p.device_id(key), key, ask.name, ask.token, ask.fingerprint, now()
        )
    except Refused as err:
        return refusal(err)
    except HubError as err:
        return refusal(Refused("unavailable", str(err), 503))
    parts.bell.ring()
    return answer(told)


async def redeem(request: web.Request, parts: Parts, device: str, raw: bytes) -> web.StreamResponse:
    """Decide an attempt. Where the kiosk stands is what the hub knows, not what the kiosk says."""
    ask = decode(raw, p.Ask)
    if ask.total is not None and not 0 <= ask.total <= MAX_FEN:
        raise Refused("bad_request", f"total is 0 to {MAX_FEN} fen.", 400)
    ask = msgspec.structs.replace(ask, store=request[STORE] or clean(ask.store)[:32], code=clean(ask.code))
    decide = parts.decisions.decide
    return answer(await parts.database.run(nonces.once, request[SEAL], decide, device, ask, now()))


async def take_journal(request: web.Request, parts: Parts, device: str, raw: bytes) -> web.StreamResponse:
    """Take a run of the journal."""
    if len(raw) > p.MAX_BODY:
        raise Refused("too_large", f"at most {p.MAX_BODY // 1024} KiB at a time.", 413)
    run = envelope.read(raw)
    if len(run.items) > p.MAX_ITEMS:
        raise Refused("too_large", f"at most {p.MAX_ITEMS} items at a time.", 413)
    take, whence, told = parts.uploads.take, address(request), list[p.Acknowledged]()
    # Who only asks how far the hub has it waits behind nobody: its kiosk holds the hub for away after 3 s.
    turn = request.app[JOURNALS] if run.items else contextlib.nullcontext()
    for lot in upload.lots(run):
        async with turn:
            if told:
                told.append(await parts.database.run(take, device, lot, now(), whence))
            else:
                seal = request[SEAL]
                told.append(await parts.database.run(nonces.once, seal, take, device, lot, now(), whence))
    parts.bell.ring()
    return answer(upload.joined(told))


async def changes(request: web.Request, parts: Parts, device: str, raw: bytes) -> web.StreamResponse:
    """Give a page of the change log."""
    asked = request.query.get("limit", str(feed.PAGE))
    if not TIME.fullmatch(asked):
        raise Refused("bad_request", "limit is a whole number.", 400)
    limit = max(1, min(feed.PAGE, int(asked)))
    pos, more, items = await parts.database.run(
        tides.since, parts.tenant, device, request.query.get("after", ""), limit
    )
    return answer(p.Changes(pos, more, items, now()))


async def snapshot(request: web.Request, parts: Parts, device: str, raw: bytes) -> web.StreamResponse:
    """Give the whole state."""
    pos, items = await parts.database.run(_everything, parts.tenant, device)
    return answer(p.Snapshot(pos, items, now()))


def _everything(c: sa.Connection, tenant: str, device: str) -> tuple[str, tuple[p.Change, ...]]:
    pos, found, more = "", [], True
    while more:
        pos, more, page = feed.since(c, tenant, device, pos)
        found += [change for change in page if change.op == "put"]
    return pos, tuple(found)


async def uses(request: web.Request, parts: Parts, device: str, raw: bytes) -> web.StreamResponse:
    """Give a device its own redemptions."""
    items, more = await parts.database.run(
        upload.own_uses, parts.tenant, device, clean(request.query.get("after", ""))
    )
    return answer(p.Uses(tuple(items), more))


async def pool(request: web.Request, parts: Parts, device: str, raw: bytes) -> web.StreamResponse:
    """Give slip codes."""
    ask = decode(raw, p.PoolAsk)
    codes = await parts.database.run(
        nonces.once,
        request[SEAL],
        parts.coupons.pool,
        device,
        clean(ask.stock_id),
        ask.rid,
        ask.count,
        now(),
    )
    parts.bell.ring()
    return answer(p.Pool(ask.stock_id, codes, now()))


async def lease(request: web.Request, parts: Parts, device: str, raw: bytes) -> web.StreamResponse:
    """Grant or renew a lease."""
    ask = decode(raw, p.LeaseAsk)
    ask = msgspec.structs.replace(ask, stock_id=clean(ask.stock_id), epoch=clean(ask.epoch))
    grant = parts.leases.grant
    told = await parts.database.run(nonces.once, request[SEAL], grant, device, request[STORE], ask, now())
    parts.bell.ring()
    return answer(told)


async def wake(request: web.Request, parts: Parts, device: str, raw: bytes) -> web.StreamResponse:
    """Hold the request until the change log has moved beyond the kiosk's position, or the kiosk is shut out."""
    await parts.database.run(upload.touch, parts.tenant, device, now())
    pos = request.query.get("pos", "")
    end = time.monotonic() + random.uniform(*HOLD_S)
    while True:
        event = parts.bell.event
        items, run = await parts.database.run(_news, parts.tenant, device, pos)
        left = end - time.monotonic()
        if items or left <= 0 or parts.bell.stopping:
            return answer(p.Wake(bool(items), now(), run))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left):  # wait_for would hold a task more: 2 KiB a kiosk
                await event.wait()


def _news(c: sa.Connection, tenant: str, device: str, pos: str) -> tuple[tuple[p.Change, ...], str]:
    """Return the first change after a position, if there is one, and the server's run; Refused `revoked` of a kiosk shut out since.

    To shut it out is told in its feed, so who waits without news need not be looked up: 2,000 requests do whenever the log moves.
    """
    _, _, items = tides.since(c, tenant, device, pos, 1)
    if items and homes.is_shut_out(c, tenant, device):
        raise homes.shut_out()
    return items, feed.fact(c, tenant, "run")
