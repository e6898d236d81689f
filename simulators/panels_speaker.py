"""A service for cloud speakers and a broker. `python -m simulators.panels_speaker [--port P]` serves until stopped.

One JSON line on standard output says where: {"url", "mqtt", "control"}. `GET {control}/_sim/state` shows what was said,
`POST {control}/_sim/fault` {"fault": NAME} sets a fault, `none` mends it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
from typing import Any

from aiohttp import web

from simulators import command
from simulators.panels_control import Control, Refused, Route

FAULTS = {
    "none": "It works.",
    "bad_token": "The token is not valid (error 9), the broker refuses the password.",
    "unknown": "There is no such speaker (error 2).",
    "error": "An error that the guide does not explain (error 1).",
    "silent": "No answer.",
    "garbage": "An answer that is no JSON, no MQTT.",
    "hang_up": "The connection is cut instead of an answer.",
    "slow": "It says and answers 0.3 s late.",
    "lost_answer": "The announcement is said, its answer is cut once.",
}


SLOW_S = 0.3


class SpeakerSim:
    """The service and the broker."""

    def __init__(self, port: int = 0) -> None:
        self.port, self.mqtt_port = port, 0
        self.fault = "none"
        self.said: list[dict[str, Any]] = []
        self.tries = 0
        self._seen: set[tuple[str, str]] = set()
        self._mended = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._broker: asyncio.Server | None = None
        self._links: set[asyncio.Task[Any]] = set()

    @property
    def address(self) -> str:
        """Return the address of the service."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen."""
        app = web.Application()
        app.router.add_post("/notify.php", self._notify)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]
        self._broker = await asyncio.start_server(self._mqtt, "127.0.0.1", 0)
        self.mqtt_port = self._broker.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no more."""
        self._mended.set()
        if self._broker is not None:
            self._broker.close()
            for link in self._links:
                link.cancel()
            await asyncio.gather(*self._links, return_exceptions=True)
            await self._broker.wait_closed()
        if self._runner is not None:
            await self._runner.cleanup()

    def set_fault(self, name: str) -> None:
        """Set a fault; `none` mends the service."""
        if name not in FAULTS:
            raise Refused(f"there is no fault {name}; there are {', '.join(FAULTS)}")
        self.fault = name
        self._mended.set()
        self._mended = asyncio.Event()

    async def _notify(self, request: web.Request) -> web.StreamResponse:
        form = {k: str(v) for k, v in (await request.post()).items()}
        self.tries += 1
        if self.fault == "silent":
            await self._mended.wait()
        if self.fault == "slow":
            await asyncio.sleep(SLOW_S)
        if self.fault == "garbage":
            return web.Response(text="<html>busy</html>", status=502)
        codes = {"bad_token": 9, "unknown": 2, "error": 1}
        if self.fault in codes:
            return web.json_response({"errcode": codes[self.fault], "errmsg": "no", "detail": ""})
        key = (form.get("seq", ""), form.get("message", ""))
        repeated = bool(form.get("seq")) and key in self._seen
        if not repeated and self.fault != "hang_up":
            self._seen.add(key)
            self.said.append(form)
        if self.fault in ("hang_up", "lost_answer"):
            if self.fault == "lost_answer":
                self.fault = "none"
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({"errcode": 17 if repeated else 0, "errmsg": "", "detail": ""})

    async def _mqtt(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._links.add(task)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                await self._session(reader, writer)
        finally:
            self._links.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tries += 1
        first, body = await _read(reader)
        if first != 0x10 or body[:7] != b"\x00\x04MQTT\x04":
            return
        if self.fault == "silent":
            await self._mended.wait()
        if self.fault == "slow":
            await asyncio.sleep(SLOW_S)
        if self.fault == "garbage":
            writer.write(b"\xff\xff\xff\xff\xff\xff")
            await writer.drain()
            return
        writer.write(b"\x20\x02\x00" + (b"\x04" if self.fault == "bad_token" else b"\x00"))
        while True:
            first, body = await _read(reader)
            if first == 0xE0 or self.fault == "hang_up":
                return
            size = int.from_bytes(body[:2], "big")
            topic, number, payload = body[2 : 2 + size].decode(), body[2 + size : 4 + size], body[4 + size :]
            self.said.append({"topic": topic, **json.loads(payload)})
            if self.fault == "lost_answer":
                self.fault = "none"
                return
            writer.write(b"\x40\x02" + number)

    def routes(self) -> list[Route]:
        """Return its page of control."""
        return [("GET", "/_sim/state", lambda _: self._state()), ("POST", "/_sim/fault", self._fault)]

    def _state(self) -> dict[str, Any]:
        return {
            "fault": self.fault,
            "said": [{**s, "token": "(given)"} for s in self.said],
            "tries": self.tries,
        }

    def _fault(self, body: dict[str, Any]) -> dict[str, Any]:
        self.set_fault(str(body["fault"]))
        return self._state()


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read one packet of MQTT."""
    first = (await reader.readexactly(1))[0]
    size, shift = 0, 0
    while True:
        digit = (await reader.readexactly(1))[0]
        size += (digit & 0x7F) << shift
        shift += 7
        if digit < 0x80:
            return first, await reader.readexactly(size)


async def _main(port: int) -> None:
    stop = asyncio.Event()
    for sig in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sig, stop.set)
    sim = SpeakerSim(port)
    control = Control(sim.routes())
    await sim.start()
    await control.start()
    told = {
        "url": sim.address,
        "mqtt": f"mqtt://127.0.0.1:{sim.mqtt_port}/demo",
        "control": f"http://127.0.0.1:{control.port}",
    }
    print(json.dumps(told), flush=True)
    await stop.wait()
    await control.stop()
    await sim.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A service for cloud speakers and a broker.")
    parser.add_argument("--port", type=command.port, default=0)
    command.serve("speaker", _main(parser.parse_args().port))
