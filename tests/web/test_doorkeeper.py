"""Connections that say nothing, say half, or are too many: the server answers everybody else."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from yarl import URL

import hub.server
import kiosk.web.server
from kiosk.web.tls import context, own_certificate
from tests.web.rig import rig
from ui import doorkeeper
from ui.doorkeeper import Doorkeeper, Rules, is_local, room

HASTY = Rules(most=200, header=0.5, stall=0.5, body=60)
PATIENT = Rules(most=200, header=600, stall=600, body=600)
END_S = 20
GET = b"GET /healthz HTTP/1.1\r\nHost: kiosk\r\n\r\n"
Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def _app(stop: asyncio.Event) -> web.Application:
    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def take(request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.read())))

    async def stream(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"first")
        await stop.wait()
        await answer.write(b"last")
        return answer

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.post("/take", take)])
    app.add_routes([web.get("/stream", stream)])
    return app


class House:
    """A server with a doorkeeper, and the lines into it."""

    def __init__(self, site: Doorkeeper, port: int, stop: asyncio.Event, stack: AsyncExitStack) -> None:
        self.site, self.port, self.stop, self._stack = site, port, stop, stack

    async def call(self, data: bytes = b"") -> Line:
        line = await asyncio.open_connection("127.0.0.1", self.port)
        self._stack.callback(line[1].close)
        line[1].write(data)
        return line

    async def healthy(self) -> bool:
        reader, _ = await self.call(GET)
        return (await _line(reader)).startswith(b"HTTP/1.1 200")


async def _line(reader: asyncio.StreamReader) -> bytes:
    return await asyncio.wait_for(reader.readline(), END_S)


async def _rest(reader: asyncio.StreamReader) -> bytes:
    try:
        return await asyncio.wait_for(reader.read(), END_S)
    except ConnectionResetError:
        return b"cut"


@asynccontextmanager
async def house(rules: Rules, tls: Path | None = None) -> AsyncIterator[House]:
    stop = asyncio.Event()
    runner = web.AppRunner(_app(stop), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    secure = context(own_certificate(tls)) if tls else None
    async with AsyncExitStack() as stack:
        stack.push_async_callback(runner.cleanup)
        site = Doorkeeper(runner, "127.0.0.1", 0, rules, ssl_context=secure)
        await site.start()
        yield House(site, runner.addresses[0][1], stop, stack)
        stop.set()


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Return what has been logged as a warning or worse by anybody."""
    caplog.set_level(logging.WARNING)
    return lambda: [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


async def test_idle_connections_make_room_and_one_line_tells(quiet: Callable[[], list[str]]) -> None:
    async with house(Rules(most=40, header=600)) as held:
        lines = [await held.call() for _ in range(100)]
        assert await held.healthy()
        assert await _rest(lines[0][0]) in (b"", b"cut"), "the oldest made room"
        assert len(quiet()) == 1
        assert "full at 40" in quiet()[0]
    assert len(quiet()) == 2, "the rest of the count is told at the end"
    assert "60 connections" in quiet()[1]


async def test_who_is_being_answered_is_not_cut_and_one_too_many_is_turned_away() -> None:
    async with house(Rules(most=8)) as held:
        busy = [await held.call(b"GET /stream HTTP/1.1\r\nHost: k\r\n\r\n") for _ in range(8)]
        for reader, _ in busy:
            await asyncio.wait_for(reader.readuntil(b"first"), END_S)
        late, _ = await held.call(GET)
        assert await _rest(late) in (b"", b"cut")
        held.stop.set()
        for reader, _ in busy:
            await asyncio.wait_for(reader.readuntil(b"last"), END_S)
        assert await held.healthy(), "a connection that rests makes room"


async def test_one_address_of_the_network_gets_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorkeeper, "is_local", lambda _: False)
    async with house(Rules(most=40, each=5, header=600)) as held:
        lines = [await held.call() for _ in range(6)]
        assert await _rest(lines[5][0]) in (b"", b"cut")
        lines[0][1].write(b"no HTTP\r\n\r\n")
        assert b" 400 " in await _rest(lines[0][0]), "the server has closed this one"
        assert await held.healthy()


async def test_the_network_leaves_places_for_the_machine_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    async with house(Rules(most=8, each=64)) as held:
        with monkeypatch.context() as network:
            network.setattr(doorkeeper, "is_local", lambda _: False)
            for _ in range(6):
                reader, _w = await held.call(b"GET /stream HTTP/1.1\r\nHost: k\r\n\r\n")
                await asyncio.wait_for(reader.readuntil(b"first"), END_S)
            assert not await held.healthy()
        assert await held.healthy()


@pytest.mark.parametrize("said", [b"", b"GET /healthz HT", GET[:-2], GET + b"GET"])
async def test_a_header_that_does_not_end_is_cut(said: bytes, quiet: Callable[[], list[str]]) -> None:
    async with house(HASTY) as held:
        reader, writer = await held.call(said[: len(GET)])
        if len(said) > len(GET):  # an answer, and then half of the next header
            await asyncio.wait_for(reader.readuntil(b"ok"), END_S)
            writer.write(said[len(GET) :])
        assert await _rest(reader) in (b"", b"cut")
        assert await held.healthy()
    assert quiet() == []


async def test_a_connection_between_two_requests_is_left_alone() -> None:
    async with house(HASTY) as held:
        idle, writer = await held.call(GET)
        await asyncio.wait_for(idle.readuntil(b"ok"), END_S)
        silent, _ = await held.call()
        assert await _rest(silent) in (b"", b"cut")  # the deadline has passed for who came later
        writer.write(GET)
        assert (await _line(idle)).startswith(b"HTTP/1.1 200")


async def test_half_a_body_is_ended(quiet: Callable[[], list[str]]) -> None:
    async with house(HASTY) as held:
        reader, _ = await held.call(b"POST /take HTTP/1.1\r\nHost: k\r\nContent-Length: 9\r\n\r\nhalf")
        status = (await _line(reader)).split()[1]
        assert status == b"408"
        await _rest(reader)
        assert await held.healthy()
    assert quiet() == []


async def test_a_body_in_drops_is_ended_however_steady() -> None:
    async with house(Rules(most=9, stall=600, body=0.5)) as held:
        reader, writer = await held.call(b"POST /take HTTP/1.1\r\nHost: k\r\nContent-Length: 99999\r\n\r\n")
        answer = asyncio.create_task(_line(reader))
        while not answer.done():
            writer.write(b".")
            await asyncio.sleep(0.02)
        assert (await answer).split()[1] == b"408"


async def test_a_slow_body_that_goes_on_arrives_whole() -> None:
    async with house(Rules(most=9, header=0.3, stall=60, body=0.3)) as held:
        reader, writer = await held.call(b"POST /take HTTP/1.1\r\nHost: k\r\nContent-Length: 65536\r\n\r\n")
        for _ in range(16):  # 0.8 s at least, with 64 s of grace for 64 KiB
            writer.write(b"." * 4096)
            await asyncio.sleep(0.05)
        assert (await _rest_until(reader, b"65536")).startswith(b"HTTP/1.1 200")


async def _rest_until(reader: asyncio.StreamReader, end: bytes) -> bytes:
    return await asyncio.wait_for(reader.readuntil(end), END_S)


async def test_a_stream_outlives_every_deadline() -> None:
    async with house(HASTY) as held:
        stream, _ = await held.call(b"GET /stream HTTP/1.1\r\nHost: k\r\n\r\n")
        await _rest_until(stream, b"first")
        for _ in range(3):  # three deadlines, one after another
            silent, _w = await held.call()
            assert await _rest(silent) in (b"", b"cut")
        held.stop.set()
        await _rest_until(stream, b"last")


async def test_a_handshake_that_does_not_end_is_cut_and_makes_room(tmp_path: Path) -> None:
    async with house(Rules(most=8, header=0.5), tmp_path) as held:
        silent, _ = await held.call()
        assert await _rest(silent) in (b"", b"cut")
    async with house(Rules(most=8, header=600), tmp_path) as held:
        first, _ = await held.call()
        for _ in range(8):
            await held.call()
        assert await _rest(first) in (b"", b"cut")


async def test_a_handshake_that_fails_takes_no_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doorkeeper, "is_local", lambda _: False)
    async with house(Rules(most=40, each=2, header=600), tmp_path) as held:
        for _ in range(4):
            reader, _w = await held.call(GET)  # no TLS at all
            await _rest(reader)
        own = ssl.create_default_context(cafile=own_certificate(tmp_path).cert)
        own.check_hostname = False
        reader, writer = await asyncio.open_connection("127.0.0.1", held.port, ssl=own)
        writer.write(GET)
        assert (await _line(reader)).startswith(b"HTTP/1.1 200")
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    "said", [b"GET /healthz HTTP/1.1\r\n" + b"X: y\r\n" * 5000, b"GET /\x00 HTTP/1.1\r\nHost: k\r\n\r\n"]
)
async def test_what_is_no_http_is_answered_without_a_line(
    said: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with house(PATIENT) as at:
        reader, _ = await at.call(said)
        assert b" 400 " in await _line(reader)
        assert await at.healthy()
    assert [r.getMessage() for r in caplog.records] == []


@pytest.mark.parametrize("turns", range(5))
async def test_a_caller_who_comes_at_the_stop_is_not_lost(turns: int) -> None:
    """Wherever the loop stands: a socket that nobody closes would be a warning, and so an error of this test."""
    async with house(PATIENT) as at:
        await asyncio.sleep(0)
        with socket.create_connection(("127.0.0.1", at.port)):
            for _ in range(turns):
                await asyncio.sleep(0)
            await at.site.stop()
    gc.collect()
    assert len(asyncio.all_tasks()) == 1


async def test_both_servers_have_a_doorkeeper(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(kiosk.web.server, "RULES", HASTY)
    monkeypatch.setattr(hub.server, "RULES", HASTY)
    async with rig(tmp_path) as both:
        assert both.hub
        for url in (both.url, both.hub.url):
            at = URL(url)
            assert at.host
            reader, writer = await asyncio.open_connection(at.host, at.port)
            writer.write(b"GET /healthz HT")
            assert await _rest(reader) in (b"", b"cut")
            writer.close()


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("", True),
        ("192.168.1.9", False),
        ("fe80::1%eth0", False),
        ("::ffff:10.0.0.9", False),
    ],
)
def test_whose_address_it_is(address: str, local: bool) -> None:
    assert is_local(address) is local


def test_descriptors_bound_the_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (256, 256))
    assert 8 <= room(8000) <= 256 - 64
    assert room(20) == 20
    monkeypatch.setattr("resource.getrlimit", lambda _: (64, 64))
    assert room(8000) == 8


DRILL = """
import asyncio, resource, sys
from aiohttp import web
from tests.web.test_doorkeeper import _app
from ui.doorkeeper import Doorkeeper, Rules

async def main():
    runner = web.AppRunner(_app(asyncio.Event()), access_log=None)
    await runner.setup()
    await Doorkeeper(runner, "127.0.0.1", 0, Rules(most=8000, header=600)).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()

resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
asyncio.run(main())
"""


async def test_healthz_answers_beside_300_idle_connections_under_128_descriptors() -> None:
    served = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        DRILL,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert served.stdin
    assert served.stdout
    assert served.stderr
    idle: list[socket.socket] = []
    try:
        port = int(await asyncio.wait_for(served.stdout.readline(), END_S))
        for _ in range(300):
            idle.append(socket.create_connection(("127.0.0.1", port)))
        for _ in range(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(GET)
            assert (await _line(reader)).startswith(b"HTTP/1.1 200")
            writer.close()
        served.stdin.close()
        log = (await asyncio.wait_for(served.stderr.read(), END_S)).decode()
        assert await asyncio.wait_for(served.wait(), END_S) == 0
    finally:
        for sock in idle:
            sock.close()
        if served.returncode is None:
            os.kill(served.pid, 9)
            await served.wait()
    assert "Traceback" not in log
    assert log.count("connections cut or turned away") == 2, log
