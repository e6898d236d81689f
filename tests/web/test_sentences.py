"""What kiosk and hub say when a request cannot be answered."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import msgspec
import pytest
from aiohttp import web

from hub.app import in_words
from kiosk.web.app import sentences

HALF = b"POST /api/v1/redeem HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"


@pytest.mark.parametrize("guard", [sentences, in_words])
async def test_a_request_that_breaks_off_is_no_mistake(guard: Any, caplog: pytest.LogCaptureFixture) -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def read(request: web.Request) -> web.Response:
        began.set()
        try:
            return web.Response(body=await request.read())
        finally:
            ended.set()

    app = web.Application(middlewares=[guard])
    app.router.add_post("/api/v1/redeem", read)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        with caplog.at_level(logging.WARNING):
            _, writer = await asyncio.open_connection("127.0.0.1", runner.addresses[0][1])
            writer.write(HALF)
            async with asyncio.timeout(20):
                await began.wait()
                writer.transport.abort()
                await ended.wait()
                lost = (t for t in asyncio.all_tasks() if "RequestHandler" in repr(t))
                await asyncio.gather(*lost, return_exceptions=True)
    finally:
        await runner.cleanup()
    assert [r.getMessage() for r in caplog.records] == []


async def test_a_lost_connection_of_the_kiosk_itself_is_told(
    aiohttp_client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def lose(_: web.Request) -> web.Response:
        raise ConnectionResetError("the other end is gone")

    app = web.Application(middlewares=[sentences])
    app.router.add_get("/api/v1/status", lose)
    client = await aiohttp_client(app)
    answer = await client.get("/api/v1/status")
    assert answer.status == 500
    assert "GET /api/v1/status failed" in caplog.text


@pytest.mark.parametrize(
    "body", [b'{"code": "\xff"}', b'{"code": ' + b"[" * 5000], ids=["no UTF-8", "very deep"]
)
async def test_what_is_no_json_is_a_bad_request(aiohttp_client: Any, body: bytes) -> None:
    async def read(request: web.Request) -> web.Response:
        return web.json_response(msgspec.json.decode(await request.read(), type=dict[str, Any]))

    app = web.Application(middlewares=[sentences])
    app.router.add_post("/api/v1/redeem", read)
    answer = await (await aiohttp_client(app)).post("/api/v1/redeem", data=body)
    assert answer.status == 400
    assert (await answer.json())["error"] == "bad_request"
