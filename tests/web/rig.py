"""A whole kiosk in this process: a real hub, a TCP printer, a daemon with simulated devices, over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import aiohttp

from hub.cli import main as hub_command
from hub.config import Demo
from hub.config import Settings as HubSettings
from hub.server import Hub
from kiosk.config import Settings
from kiosk.daemon import Daemon
from kiosk.events import JournalAcked
from kiosk.toml import Loaded
from simulators.escpos import EscposPrinterSim

STORE = "kjy-south"
CAPPED, NEVER, SLIP, PAUSED = "1286950000000039", "1286950000000047", "HK-SLIP-0001", "1286950000000054"
SOON_S = 20.0
PIN = "135790"


def settings(
    data: Path, hub_url: str = "", printer: str = "", more: dict[str, Any] | None = None, **web: Any
) -> Settings:
    """Return the settings of a kiosk with simulated devices."""
    import msgspec

    plain: dict[str, Any] = {
        "data_dir": str(data),
        **(more or {}),
        "hub": {"url": hub_url, "name": "rig", "token_file": str(data.parent / "token") if hub_url else ""},
        "web": {"listen": "127.0.0.1:0", "pin": PIN, **web},
        "printers": {"paper": {"url": f"virtual://{data}/slips", "mirror": bool(printer)}},
        "scanners": {"till": {"url": "sim://"}},
        "displays": {"counter": {"url": "sim://"}},
        "gpio": {"factory": "sim", "button": 17, "red": 5, "green": 6, "blue": 13, "buzzer": 19},
        "hand_out": {"cooldown_s": 0},
        "sound": {"speech": False},
    }
    if printer:
        plain["printers"] = {"counter": {"url": printer}, **plain["printers"]}
    return msgspec.convert(plain, Settings)


async def eventually(fits: Callable[[], Any], seconds: float = SOON_S) -> None:
    """Wait for something that tells nobody when it happens."""
    async with asyncio.timeout(seconds):
        while not fits():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


class Rig:
    """What the tests hold."""

    def __init__(
        self, hub: Hub | None, daemon: Daemon, http: aiohttp.ClientSession, printer: EscposPrinterSim | None
    ) -> None:
        self.hub, self.daemon, self.http, self.printer = hub, daemon, http, printer

    @property
    def url(self) -> str:
        return self.daemon.server.url

    async def get(self, path: str, **more: Any) -> tuple[int, Any]:
        return await self._ask("GET", path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        return await self._ask("POST", path, json={} if body is None else body, **more)

    async def _ask(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        async with self.http.request(method, self.url + path, **more) as answer:
            raw = await answer.read()
            plain = answer.content_type.endswith("json")
            return answer.status, json.loads(raw) if plain else raw.decode()

    async def view(self, fits: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """Wait until the counter page is told a view that fits."""
        seq = -1
        async with asyncio.timeout(SOON_S):
            async with self.http.get(self.url + "/api/v1/counter/events") as answer:
                async for line in answer.content:
                    if line.startswith(b"data:"):
                        view: dict[str, Any] = json.loads(line[5:])
                        assert view["seq"] > seq, "views come in order"
                        seq = view["seq"]
                        if fits(view):
                            return view
        raise AssertionError("the stream ended")

    async def outcome(self, *kinds: str) -> dict[str, Any]:
        view = await self.view(lambda v: v["outcome"] and v["outcome"]["kind"] in kinds)
        shown: dict[str, Any] = view["outcome"]
        return shown

    async def issue(self, stock_id: str) -> str:
        """Return a fresh signed code."""
        assert self.hub is not None
        parts = self.hub.parts
        assert parts is not None
        made = await parts.database.run(parts.coupons.list_out, stock_id, 1, None, datetime.now(UTC))
        parts.bell.ring()
        return str(made[0].code)


async def start_hub(base: Path) -> Hub:
    """Start a hub with the sample batches around today, and leave a token for the store."""
    await asyncio.to_thread(_load, base)
    made = HubSettings(database=f"sqlite:///{base / 'hub.db'}", listen="127.0.0.1:0", demo=Demo(claims=True))
    hub = Hub(made)
    await hub.start()
    parts = hub.parts
    assert parts is not None
    parts.catalog.public_url = hub.url
    for store in (STORE, "renmin"):
        await parts.database.run(parts.catalog.tell_store, store)
    token = await parts.database.run(parts.devices.token, STORE, 9, datetime.now(UTC))
    (base / "token").write_text(token, "ascii")
    return hub


def _load(base: Path) -> None:
    base.mkdir(parents=True, exist_ok=True)
    (base / "hub.toml").write_text(f'database = "sqlite:///{base / "hub.db"}"\n', "utf-8")
    with resources.as_file(resources.files("simulators.demo") / "sample-batches.json") as sample:
        code = hub_command(["batch", "load", str(sample), "--shift-to-today", "-c", str(base / "hub.toml")])
    assert code == 0


@asynccontextmanager
async def rig(
    base: Path, *, hub: bool = True, printer: bool = False, more: dict[str, Any] | None = None, **web: Any
) -> AsyncIterator[Rig]:
    """Run a kiosk, by default with a hub; wait until it is filled."""
    async with AsyncExitStack() as stack:
        cloud = None
        if hub:
            cloud = await start_hub(base)
            stack.push_async_callback(cloud.stop)
        sim = None
        if printer:
            sim = EscposPrinterSim()
            await sim.start()
            stack.push_async_callback(sim.stop)
        made = settings(
            base / "kiosk",
            cloud.url if cloud else "",
            f"tcp://127.0.0.1:{sim.port}" if sim else "",
            more,
            **web,
        )
        daemon = Daemon(Loaded(made, ()), None)
        await daemon.start()
        stack.push_async_callback(daemon.stop)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        held = Rig(cloud, daemon, http, sim)
        if hub:
            await held.view(lambda v: v["batches"] and v["slip"]["enabled"])
        yield held


async def settled(kiosk: Rig) -> None:
    """Wait until every row of the journal has the hub's verdict."""
    async with kiosk.daemon.bus.queue(JournalAcked) as acknowledged, asyncio.timeout(SOON_S):
        while (await kiosk.daemon.journal.backlog()).count:
            await acknowledged.get()
