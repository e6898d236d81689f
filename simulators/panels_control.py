"""What the simulators of devices share: their page of control and their command."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from aiohttp import web

Route = tuple[str, str, Callable[[dict[str, Any]], Awaitable[dict[str, Any]] | dict[str, Any]]]


class Refused(ValueError):
    """What was asked for is not there: one sentence."""


class Simulator(Protocol):
    """A simulator with a command."""

    @property
    def address(self) -> str:
        """Return the address of the device."""

    async def start(self) -> None:
        """Plug it in."""

    async def stop(self) -> None:
        """Unplug it."""

    def routes(self) -> list[Route]:
        """Return what its page of control answers: method, path, function of the body."""


class Control:
    """Serves the routes of a simulator on a port of its own."""

    def __init__(self, routes: list[Route], port: int = 0) -> None:
        self._routes, self.port = routes, port
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen."""
        app = web.Application()
        for method, path, function in self._routes:
            app.router.add_route(method, path, _handler(function))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Listen no more."""
        if self._runner is not None:
            await self._runner.cleanup()


def _handler(function: Callable[[dict[str, Any]], Any]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        try:
            body = await request.json() if request.can_read_body else {}
            given = function(body)
            if asyncio.iscoroutine(given):
                given = await given
        except KeyError as err:
            return web.json_response({"error": f"{err.args[0]} is missing"}, status=400)
        except (Refused, ValueError, TypeError, AttributeError) as err:
            return web.json_response({"error": str(err)}, status=400)
        return web.json_response(given)

    return answer


async def run(simulator: Simulator, port: int = 0) -> None:
    """Serve until SIGTERM or SIGINT; one JSON line says where when ready."""
    stop = asyncio.Event()
    for sig in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sig, stop.set)
    control = Control(simulator.routes(), port)
    await simulator.start()
    await control.start()
    told = {"url": simulator.address, "control": f"http://127.0.0.1:{control.port}"}
    print(json.dumps(told), flush=True)
    try:
        await stop.wait()
    finally:
        await control.stop()
        await simulator.stop()
