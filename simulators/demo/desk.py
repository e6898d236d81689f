"""The demo at somebody's desk: says where everything is, and lets hub and printer be stopped and started by a key."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from simulators.demo.world import STORE, DemoError, Program, World

KEYS = "h + Enter stops and starts the hub, p + Enter the slip printer; Ctrl-C stops everything.\nh 回车：停掉、再启动云端；p 回车：停掉、再启动小票机；Ctrl-C 全部停止。"


class Part:
    """A program that may stop and start while the demo goes on."""

    def __init__(self, key: str, name: str, program: Program, start: Callable[[], Awaitable[object]]) -> None:
        self.key, self.name, self.program, self._start = key, name, program, start
        self._watch: asyncio.Task[None] | None = None

    def watch(self) -> None:
        """Say so when it ends by itself."""
        self._watch = asyncio.create_task(self._wait(), name=f"watch-{self.key}")

    async def _wait(self) -> None:
        assert self.program.process is not None
        code = await self.program.process.wait()
        print(
            f"The {self.name} has ended by itself ({code}): {self.program.last_words()}\n"
            f"The rest goes on; {self.key} + Enter starts it again.",
            flush=True,
        )

    async def toggle(self) -> None:
        """Stop it when it runs, start it when not."""
        self.leave()
        if self.program.running:
            await self.program.stop()
            print(f"The {self.name} is stopped; {self.key} + Enter starts it again.", flush=True)
            return
        try:
            await self._start()
        except DemoError as err:
            print(f"The {self.name} does not start: {err}", flush=True)
            return
        self.watch()
        print(f"The {self.name} runs again.", flush=True)

    def leave(self) -> None:
        """Watch no longer."""
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None


async def demo(port: int, hub_port: int, data: Path | None, printer: str = "escpos") -> None:
    """Run the demo until SIGINT or SIGTERM, or until the kiosk ends."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sig in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sig, stop.set)
    async with World(port, hub_port, data, printer) as world:
        print("Starting hub, printer and kiosk ...", flush=True)
        await world.start_hub()
        await world.start_printer()
        await world.start_kiosk()
        print(await _welcome(world, printer), flush=True)
        parts = [Part("h", "hub", world.hub, world.start_hub)]
        if world.printer.process is not None:
            parts.append(Part("p", "slip printer", world.printer, world.start_printer))
        await _until_stopped(world, parts, stop)
        print("Stopping ...", flush=True)


async def _until_stopped(world: World, parts: list[Part], stop: asyncio.Event) -> None:
    assert world.kiosk.process is not None
    for part in parts:
        part.watch()
    tasks = [
        asyncio.create_task(world.kiosk.process.wait(), name="kiosk"),
        asyncio.create_task(stop.wait(), name="stop"),
    ]
    keys = asyncio.create_task(_keys(parts), name="keys")
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for part in parts:
            part.leave()
        for task in (*tasks, keys):
            task.cancel()
    if not stop.is_set():
        raise DemoError(f"the kiosk ended by itself: {world.kiosk.last_words()}")


async def _keys(parts: list[Part]) -> None:
    """Do what is typed, one line at a time, for as long as there is somebody to type."""
    lines: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        text = os.read(fd, 256)
        if not text:
            loop.remove_reader(fd)
        for line in text.decode("utf-8", "replace").splitlines():
            lines.put_nowait(line.strip().lower())

    try:
        fd = sys.stdin.fileno()
        loop.add_reader(fd, read)
    except (OSError, ValueError, AttributeError):  # a file, /dev/null or nothing at all: nobody types
        return
    try:
        while True:
            typed = await lines.get()
            for part in parts:
                if part.key == typed:
                    await part.toggle()
    finally:
        loop.remove_reader(fd)


async def _welcome(world: World, printer: str) -> str:
    """Return where everything is."""
    password = await _operator(world)
    return f"""
  counter page     柜台屏    {world.url}/
  simulated devices 模拟设备  {world.url}/simulator
  staff console    店员台    {world.url}/staff      PIN {world.pin}
  customer's page  领券页    {world.hub_url}/c/{STORE}
  fleet console    设备管理  {world.hub_url}/admin    user demo, password {password}
  slip printer     小票机    {_slip_printer(world, printer)}
  data             数据      {world.dir}

{KEYS}"""


def _slip_printer(world: World, chosen: str) -> str:
    """Say which printer there is and where its simulator tells what came out."""
    control = world.printer_says.get("control")
    return f"{chosen}    {control}/_sim/state" if control else f"{chosen}    {world.slips}"


async def _operator(world: World) -> str:
    """Make an operator for the fleet console and return the password."""
    password = secrets.token_urlsafe(9)
    path = world.dir / "operator-password"
    if path.exists():
        return path.read_text("ascii").strip()
    path.touch(mode=0o600)
    path.write_text(password, "ascii")
    await world.hub_command("user", "add", "demo", "--role", "owner", "--password-file", str(path))
    return password
