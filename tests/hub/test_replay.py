"""A signed request that is sent again changes nothing: at the same hub, at another worker, after a restart."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from hub import device_api
from hub.config import Settings
from hub.device_api import Nonces
from hub.parts import now
from hub.schema import attempts, coupons, devices, journal, leases, meta
from hub.schema import nonces as table
from hub.server import Hub
from hub.store import nonces
from kiosk.coupons.ids import new_rid
from kiosk.sync import protocol as p

from .world import CAPPED, SLIP, Journal, Kiosk, b64, issued, let_in, on_both, opened

TIMES = 12
Asked = tuple[str, bytes, dict[str, str]]


def ready(kiosk: Kiosk, path: str, body: Any) -> Asked:
    """Return a signed request."""
    raw, where = msgspec.json.encode(body), f"/v1/device/{path}"
    return where, raw, kiosk.headers("POST", where, raw)


def redeem(code: str) -> tuple[str, Any]:
    return "redeem", {"rid": new_rid(), "code": code, "store": "kjy-south"}


def bring(_: str) -> tuple[str, Any]:
    book = Journal()
    book.add("attempt_denied", body={"coupon": None})
    return "journal", book.run()


def fetch(_: str) -> tuple[str, Any]:
    return "pool", p.PoolAsk(new_rid(), SLIP, 3)


def lease(_: str) -> tuple[str, Any]:
    return "lease", p.LeaseAsk(new_rid(), "NONE", "e1")


async def rows(hub: Hub) -> dict[str, int]:
    """Count what a request could have written."""

    def work(c: sa.Connection) -> dict[str, int]:
        some = (attempts, coupons, journal, leases, devices)
        return {t.name: c.execute(sa.select(sa.func.count()).select_from(t)).scalar_one() for t in some}

    return await opened(hub).database.run(work)


@pytest.mark.parametrize("engine", ["postgresql"])
@pytest.mark.parametrize("what", [redeem, bring, fetch])
async def test_two_workers_take_a_request_once(
    hub: Hub, settings: Settings, kiosk: Kiosk, what: Callable[[str], tuple[str, Any]]
) -> None:
    other = Hub(settings)
    await other.start(shared=True)
    try:
        where, raw, head = ready(kiosk, *what((await issued(hub, CAPPED))[0].code))

        async def send(url: str) -> tuple[int, dict[str, Any]]:
            async with kiosk.http.post(url + where, data=raw, headers=head) as told:
                return told.status, await told.json()

        told = await asyncio.gather(*(send((hub.url, other.url)[n % 2]) for n in range(TIMES)))
    finally:
        await other.stop()
    assert sorted(status for status, _ in told) == [200] + [401] * (TIMES - 1)
    assert {body["error"] for status, body in told if status == 401} == {"replay"}


@on_both
@pytest.mark.parametrize("what", [redeem, bring, fetch])
async def test_a_restart_forgets_no_request(
    settings: Settings, what: Callable[[str], tuple[str, Any]]
) -> None:
    hub = Hub(settings)
    await hub.start()
    kiosk = await let_in(hub, "kjy-south")
    try:
        asked = ready(kiosk, *what((await issued(hub, CAPPED))[0].code))
        assert (await kiosk.send("POST", *asked))[0] == 200
        before = await rows(hub)
        await hub.stop()
        hub = Hub(settings)
        await hub.start()
        kiosk.url = hub.url
        status, told = await kiosk.send("POST", *asked)
        assert (status, told["error"]) == (401, "replay")
        assert await rows(hub) == before
    finally:
        await kiosk.close()
        await hub.stop()


async def test_a_request_that_was_refused_leaves_no_nonce(hub: Hub, kiosk: Kiosk) -> None:
    """Its transaction was undone, the nonce with it: there is nothing that a repetition could repeat."""
    status, told = await kiosk.send("POST", *ready(kiosk, *lease("")))
    assert (status, told["error"]) == (404, "unknown_batch")
    count = sa.select(sa.func.count()).select_from(table)
    assert await opened(hub).database.run(lambda c: c.execute(count).scalar()) == 0


async def test_an_enrolment_that_is_sent_again_changes_nothing(hub: Hub) -> None:
    """It has no time in it, so no nonce could be kept for long enough: it says what is, and a token is used once."""
    parts = opened(hub)
    token = await parts.database.run(parts.devices.token, "kjy-south", 2, now())
    kiosk = Kiosk(hub.url)
    nonce = secrets.token_urlsafe(16)
    proof = b64(kiosk.key.sign(p.enrol_text(nonce, token)))
    raw = msgspec.json.encode(p.Enrol(b64(kiosk.public), proof, nonce, "till", token, {}))

    def whole(c: sa.Connection) -> dict[str, list[Any]]:
        names = ("devices", "tokens", "audit", "changes")
        return {name: c.execute(sa.select(meta.tables[name])).all() for name in names}  # type: ignore[misc]

    try:
        first = await kiosk.send("POST", "/v1/device/enrol", raw, {})
        before = await parts.database.run(whole)
        again = await kiosk.send("POST", "/v1/device/enrol", raw, {})
    finally:
        await kiosk.close()
    assert (first[0], first[1]["state"], again[1]["state"]) == (200, "accepted", "accepted")
    assert await parts.database.run(whole) == before


@on_both
async def test_nonces_go_when_nobody_would_let_the_request_in(hub: Hub, kiosk: Kiosk) -> None:
    assert (await kiosk.send("POST", *ready(kiosk, *bring(""))))[0] == 200
    parts = opened(hub)
    for later, gone in ((2 * p.MAX_SKEW_S - 5, 0), (2 * p.MAX_SKEW_S + 5, 1)):
        at = now() + timedelta(seconds=later)
        assert await parts.database.run(nonces.forget, parts.tenant, at) == gone


def test_a_nonce_is_known_as_long_as_its_signature_is_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """From 300 s before its time to 300 s after it: ten minutes, whenever the generations change in between."""
    clock = [0.0]
    monkeypatch.setattr(device_api.time, "monotonic", lambda: clock[0])
    for first in (0.0, 1.0, 300.0, 599.0, 600.0):
        clock[0] = 0.0
        known = Nonces()
        clock[0] = first
        assert known.fresh("kA", "n" * 22)
        for step in range(0, 2 * p.MAX_SKEW_S + 1, 50):
            clock[0] = first + step
            assert known.fresh("kA", f"other-{step:016d}")
            assert not known.fresh("kA", "n" * 22), (first, step)
            assert known.fresh("kB", f"n{step:021d}")


def test_nonces_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(device_api.time, "monotonic", lambda: clock[0])
    known = Nonces()
    for second in range(0, 10 * int(Nonces.LIFE_S), 10):
        clock[0] = float(second)
        assert known.fresh("kA", f"{second:022d}")
    assert len(known._young) + len(known._old) <= 2 * Nonces.LIFE_S / 10 + 2
