"""/v1/device/...: what kiosks say and ask."""

from __future__ import annotations

import base64
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa
from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from hub.errors import HubError, Refused
from hub.parts import Parts, now
from hub.store import feed, upload
from kiosk.sync import protocol as p

PARTS = web.AppKey("parts", Parts)
HOLD_S = (45.0, 55.0)
"""How long a wake request is held: long enough to be rare, short enough for proxies that cut at 60 s."""

T = TypeVar("T")
Handler = Callable[[web.Request, Parts, str, bytes], Awaitable[web.StreamResponse]]


def add_routes(app: web.Application) -> None:
    """Add the device API."""
    app.router.add_post("/v1/device/enrol", enrol)
    for method, path, handler in (
        ("POST", "redeem", redeem),
        ("POST", "journal", take_journal),
        ("GET", "changes", changes),
        ("GET", "snapshot", snapshot),
        ("GET", "uses", uses),
        ("POST", "pool", pool),
        ("GET", "wake", wake),
    ):
        app.router.add_route(method, f"/v1/device/{path}", signed(handler))


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
    except msgspec.DecodeError as err:
        raise Refused("bad_request", f"the message is not right: {err}", 400) from None


def unpack(text: str, length: int) -> bytes:
    """Return base64url bytes of a known length."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raw = b""
    if len(raw) != length:
        raise Refused("bad_request", f"{length} bytes in base64url were expected.", 400)
    return raw


def signed(handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Let only accepted devices with a good and fresh signature through."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        parts = request.app[PARTS]
        try:
            raw = await request.read()
            device = await _who(request, parts, raw)
            return await handler(request, parts, device, raw)
        except Refused as err:
            return refusal(err)
        except HubError as err:
            return refusal(Refused("unavailable", str(err), 503))

    return guarded


async def _who(request: web.Request, parts: Parts, raw: bytes) -> str:
    head = request.headers
    device, when, nonce = (
        head.get("Kiosk-Device", ""),
        head.get("Kiosk-Time", ""),
        head.get("Kiosk-Nonce", ""),
    )
    if not (device and when.isascii() and when.isdigit() and 16 <= len(nonce) <= 64):
        raise Refused("bad_signature", "the request is not signed.", 401)
    row = await parts.database.run(parts.devices.get, device)
    if row is None:
        raise Refused("unknown_device", "this hub does not know that kiosk; enrol it.", 401)
    text = p.signed_text(request.method, request.path_qs, int(when), nonce, raw)
    try:
        Ed25519PublicKey.from_public_bytes(row.public_key).verify(
            unpack(head.get("Kiosk-Signature", ""), 64), text
        )
    except InvalidSignature:
        raise Refused("bad_signature", "the signature does not fit the request.", 401) from None
    if abs(now().timestamp() - int(when)) > p.MAX_SKEW_S:
        raise Refused("time", "the request's time is off; sign again with server_time.", 401)
    if row.state != "accepted":
        raise Refused(row.state, f"this kiosk is {row.state}.", 403)
    return device


async def enrol(request: web.Request) -> web.StreamResponse:
    """Let a kiosk ask to be let in."""
    parts = request.app[PARTS]
    try:
        ask = decode(await request.read(), p.Enrol)
        key = unpack(ask.public_key, 32)
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(
                unpack(ask.proof, 64), p.enrol_text(ask.nonce, ask.token)
            )
        except InvalidSignature:
            raise Refused("bad_signature", "the proof does not fit the key.", 401) from None
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
    """Decide an attempt."""
    ask = decode(raw, p.Ask)
    told = await parts.database.run(parts.decisions.decide, device, ask, now())
    if told.status == "ok":
        parts.bell.ring()
    return answer(told)


async def take_journal(request: web.Request, parts: Parts, device: str, raw: bytes) -> web.StreamResponse:
    """Take a run of the journal."""
    run = decode(raw, p.Upload)
    if len(run.items) > p.MAX_ITEMS:
        raise Refused("too_large", f"at most {p.MAX_ITEMS} items at a time.", 413)
    told = await parts.database.run(parts.uploads.take, device, run, now())
    parts.bell.ring()
    return answer(told)


async def changes(request: web.Request, parts: Parts, device: str, raw: bytes) -> web.StreamResponse:
    """Give a page of the change log."""
    try:
        limit = max(1, min(feed.PAGE, int(request.query.get("limit", feed.PAGE))))
    except ValueError:
        raise Refused("bad_request", "limit is a whole number.", 400) from None
    pos, more, items = await parts.database.run(
        feed.since, parts.tenant, device, request.query.get("after", ""), limit
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
        upload.own_uses, parts.tenant, device, request.query.get("after", "")
    )
    return answer(p.Uses(tuple(items), more))


async def pool(request: web.Request, parts: Parts, device: str, raw: bytes) -> web.StreamResponse:
    """Give slip codes."""
    ask = decode(raw, p.PoolAsk)
    codes = await parts.database.run(parts.coupons.pool, device, ask.stock_id, ask.rid, ask.count, now())
    return answer(p.Pool(ask.stock_id, codes, now()))


async def wake(request: web.Request, parts: Parts, device: str, raw: bytes) -> web.StreamResponse:
    """Hold the request until the change log has moved beyond the kiosk's position."""
    await parts.database.run(upload.touch, parts.tenant, device, now())
    pos = request.query.get("pos", "")
    end = datetime.now(UTC).timestamp() + random.uniform(*HOLD_S)
    while True:
        _, _, items = await parts.database.run(feed.since, parts.tenant, device, pos, 1)
        left = end - datetime.now(UTC).timestamp()
        if items or left <= 0 or parts.bell.stopping:
            return answer(p.Wake(bool(items), now()))
        await parts.bell.wait(left)
