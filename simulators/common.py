"""What the simulated clouds share: faults by name, a server that stops at once, the line that says where it is."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiohttp import web

from simulators import command

FOREVER_S = 3600.0
Handler = Callable[[], Awaitable[web.Response]]


@dataclass
class Fault:
    """One fault that is set."""

    name: str
    on: str
    left: int | None = None
    """Times it still bites; None until it is mended."""
    options: dict[str, Any] = field(default_factory=dict)

    def number(self, key: str, default: float) -> float:
        """Return an option that is a number."""
        value = self.options.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"{key} of the fault {self.name} is a number")
        return float(value)


class Faults:
    """The faults of a cloud. `names` says what there is; setting one replaces the last.

    `on` names the operation that a fault bites where it is not the default one; "all" bites every operation.
    """

    def __init__(self, names: dict[str, str], default_on: str, on: dict[str, str]) -> None:
        self.names, self._default_on, self._on = names, default_on, on
        self.now: Fault | None = None

    def set(self, ask: dict[str, Any]) -> str:
        """Set a fault from {"fault", "on"?, "times"?, ...}; `none` mends. ValueError says what is wrong with it."""
        name = ask.get("fault")
        if name not in self.names:
            raise ValueError(f"there is no fault {name}; there are {', '.join(self.names)}")
        times = ask.get("times")
        if times is not None and (not isinstance(times, int) or isinstance(times, bool) or times < 1):
            raise ValueError("times is a whole number from 1 on")
        rest = {k: v for k, v in ask.items() if k not in ("fault", "on", "times")}
        self.now = (
            None
            if name == "none"
            else Fault(str(name), str(ask.get("on", self._on.get(str(name), self._default_on))), times, rest)
        )
        return str(name)

    def take(self, operation: str, *names: str) -> Fault | None:
        """Return the fault when it is one of `names` and bites this operation, and count it."""
        fault = self.now
        if fault is None or fault.name not in names or fault.on not in (operation, "all"):
            return None
        if fault.left is not None:
            fault.left -= 1
            if fault.left == 0:
                self.now = None
        return fault

    def as_json(self) -> dict[str, Any]:
        """Return what is set."""
        if self.now is None:
            return {"fault": "none"}
        return {"fault": self.now.name, "on": self.now.on, "times": self.now.left, **self.now.options}


TRANSPORT = {
    "timeout_before": "never answers and does nothing",
    "timeout_after": "does it, and never answers",
    "reset_before": "hangs up and does nothing",
    "reset_after": "does it, and hangs up before the answer",
    "http_502": "HTTP 502, nothing done",
    "http_502_after": "HTTP 502 although it was done",
    "html": "HTTP 200 with a page instead of JSON, nothing done",
    "html_after": "HTTP 200 with a page instead of JSON although it was done",
    "slow": "does it and answers after `seconds` (default 30)",
}
"""Faults of the way to a cloud."""


async def through(faults: Faults, operation: str, request: web.Request, do: Handler) -> web.Response:
    """Do an operation behind the fault that is set for it."""
    fault = faults.take(operation, *TRANSPORT)
    if fault is None:
        return await do()
    done = await do() if fault.name == "slow" or fault.name.endswith("_after") else None
    match fault.name.removesuffix("_after").removesuffix("_before"):
        case "timeout":
            await asyncio.sleep(FOREVER_S)
        case "slow":
            await asyncio.sleep(fault.number("seconds", 30))
        case "reset":
            if request.transport is not None:
                request.transport.abort()
        case "http_502":
            return web.Response(
                status=502, text="<html><h1>502 Bad Gateway</h1></html>", content_type="text/html"
            )
        case "html":
            return web.Response(
                text="<html><title>Welcome to our Wi-Fi</title></html>", content_type="text/html"
            )
    return done if done is not None else web.Response(status=500)


class Sim(Protocol):
    """A simulated cloud."""

    async def start(self) -> None:
        """Serve."""

    async def stop(self) -> None:
        """Stop serving."""

    def where(self) -> dict[str, Any]:
        """Return the line that says where it is."""


class Site:
    """One HTTP server on loopback whose clock can be moved."""

    def __init__(self, app: web.Application, port: int) -> None:
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.2)
        self.port = port
        self.ahead_s = 0.0
        """Seconds that the cloud's clock is ahead of this machine's."""
        app.on_response_prepare.append(self._date)

    def now(self) -> float:
        """Return the cloud's Unix time."""
        return time.time() + self.ahead_s

    async def _date(self, _: web.Request, answer: web.StreamResponse) -> None:
        answer.headers["Date"] = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(self.now()))

    async def start(self) -> None:
        """Listen."""
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Hang up on everybody."""
        await self._runner.cleanup()


def main(
    title: str,
    make: Callable[[int, str, str, dict[str, str]], Sim],
    account: tuple[str, str, str, str],
    printer: str,
    usual: Mapping[str, str],
) -> None:
    """Read a cloud's command line and serve it.

    `account`: option and default of the account's name, then of its key. `printer`: what `--printer` takes, NUMBER#KEY.
    """
    who, default_who, key, default_key = account
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--port", type=command.port, default=0)
    parser.add_argument(who, dest="who", default=default_who)
    parser.add_argument(key, dest="key", default=default_key)
    parser.add_argument(
        "--printer", action="append", metavar=printer, help="the first is bound to the account"
    )
    args = parser.parse_args()
    spare = next(iter(usual.values()))
    named = [p.partition("#") for p in args.printer or ()]
    run(make(args.port, args.who, args.key, {n: k or spare for n, _, k in named} or dict(usual)))


def run(sim: Sim) -> None:
    """Serve until SIGINT or SIGTERM; one JSON line on standard output says where."""
    command.serve(type(sim).__name__.removesuffix("Sim").lower(), _run(sim))


async def _run(sim: Sim) -> None:
    stop = asyncio.Event()
    for sig in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sig, stop.set)
    await sim.start()
    try:
        print(json.dumps(sim.where(), ensure_ascii=False), flush=True)
        await stop.wait()
    finally:
        await sim.stop()
