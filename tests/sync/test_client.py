"""The client alone: whom it believes, what it learns, when it gives up."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from kiosk.clock import SystemClock
from kiosk.sync import client as client_module
from kiosk.sync import exchange
from kiosk.sync import protocol as p
from kiosk.sync.client import HubAway, HubClient, HubRefused
from kiosk.sync.identity import Identity
from kiosk.web.tls import context as tls_context
from kiosk.web.tls import own_certificate


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[HubClient]:
    client = HubClient("http://127.0.0.1:1", Identity.load_or_create(tmp_path / "data"), SystemClock())
    await client.start()
    yield client
    await client.stop()


async def serve(handler, context: ssl.SSLContext | None = None) -> tuple[web.AppRunner, int]:  # type: ignore[no-untyped-def]
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    return runner, runner.addresses[0][1]


def wake(at: datetime) -> web.Response:
    return web.Response(body=msgspec.json.encode(p.Wake(False, at)), content_type="application/json")


async def test_a_hub_whose_certificate_nobody_vouches_for_is_no_hub(
    client: HubClient, tmp_path: Path
) -> None:
    seen = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request.path)
        return wake(datetime.now(UTC))

    (tmp_path / "tls").mkdir()
    runner, port = await serve(handler, tls_context(own_certificate(tmp_path / "tls")))
    try:
        client.url = f"https://localhost:{port}"
        with pytest.raises(HubAway):
            await client.call("GET", "/v1/device/wake", p.Wake)
    finally:
        await runner.cleanup()
    assert seen == [], "not a word was said to it"


async def test_who_sends_without_end_is_cut_off(client: HubClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "BODY_MAX", 100_000)

    async def handler(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:
            await answer.write(b"x" * 10_000)

    runner, port = await serve(handler)
    try:
        client.url = f"http://127.0.0.1:{port}"
        with pytest.raises(HubAway, match="without end"):
            await client.call("GET", "/v1/device/wake", p.Wake)
    finally:
        await runner.cleanup()


async def test_a_held_answer_never_claims_to_be_exact(client: HubClient) -> None:
    """Its time was written somewhere between request and answer: a network may have kept it as long as the hub did."""
    release = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        if "held" in request.path:
            await release.wait()
        return wake(datetime.now(UTC))

    runner, port = await serve(handler)
    try:
        client.url = f"http://127.0.0.1:{port}"
        await client.call("GET", "/v1/device/wake", p.Wake)
        exact = client.clock.trusted().error_s
        begun = client.clock.mono()
        held = asyncio.create_task(client.call("GET", "/held", p.Wake))
        await asyncio.sleep(0.3)
        release.set()
        await held
        span = client.clock.mono() - begun
    finally:
        await runner.cleanup()
    error = client.clock.trusted().error_s
    assert exact is not None
    assert error is not None
    assert error >= min(exact, span / 2 - 0.2), (
        "the better estimate stays, or the worse one owns up to its hold"
    )


@pytest.mark.parametrize("error", ["time", "replay"])
async def test_a_request_that_is_signed_wrongly_is_signed_again(client: HubClient, error: str) -> None:
    nonces, times, at = [], [], datetime.now(UTC) + timedelta(days=900)

    async def handler(request: web.Request) -> web.Response:
        nonces.append(request.headers["Kiosk-Nonce"])
        times.append(int(request.headers["Kiosk-Time"]))
        if len(nonces) == 1:
            refused = msgspec.json.encode(p.Error(error, "sign again", at))
            return web.Response(status=401, body=refused, content_type="application/json")
        return wake(at)

    runner, port = await serve(handler)
    try:
        client.url = f"http://127.0.0.1:{port}"
        await client.call("GET", "/v1/device/wake", p.Wake)
    finally:
        await runner.cleanup()
    assert len(set(nonces)) == 2
    assert abs(times[1] - at.timestamp()) < 60, "by the hub's calendar, whatever it says"


@pytest.mark.parametrize(
    ("status", "head", "kind", "after"),
    [
        (429, {"Retry-After": "7"}, HubRefused, 7.0),
        (429, {"Retry-After": "Wed, 25 Nov 2026 07:28:00 GMT"}, HubRefused, None),
        (413, {}, HubRefused, None),
        (404, {}, HubAway, None),
        (500, {}, HubAway, None),
        (301, {"Location": "/login"}, HubAway, None),
        (204, {}, HubAway, None),
    ],
)
async def test_what_a_page_that_is_not_the_hubs_means(
    client: HubClient, status: int, head: dict[str, str], kind: type[Exception], after: float | None
) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=status, headers=head, text="" if status == 204 else "<html>no</html>")

    runner, port = await serve(handler)
    try:
        client.url = f"http://127.0.0.1:{port}"
        with pytest.raises(kind) as told:
            await client.call("GET", "/v1/device/wake", p.Wake)
    finally:
        await runner.cleanup()
    assert getattr(told.value, "retry_after_s", None) == after


async def test_connecting_has_a_limit_of_its_own(client: HubClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody takes the connection: a full queue drops what comes, as a dead path does."""
    assert 1.0 < client_module.CONNECT_S < exchange.PROBE_S, (
        "one packet may be lost; a probe does not wait for itself"
    )
    monkeypatch.setattr(client_module, "CONNECT_S", 0.2)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        waiting = [socket.socket() for _ in range(8)]
        try:
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(deaf.getsockname())
            client.url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
            with pytest.raises(HubAway) as told:
                await client.call("GET", "/v1/device/wake", p.Wake, deadline_s=10)
        finally:
            for one in waiting:
                one.close()
    assert "no answer within" not in str(told.value)


async def test_nobody_there_is_said_in_a_sentence(client: HubClient) -> None:
    with pytest.raises(HubAway, match="onnect") as told:
        await client.call("GET", "/v1/device/wake", p.Wake)
    assert not told.value.broken, "asking again at once would be in vain"
