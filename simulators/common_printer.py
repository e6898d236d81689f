"""A cloud's printer: a queue in the cloud, a device that fetches from it by itself, and what the cloud knows of the device."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from simulators.paper import Interpreter

PRINT_S = 0.2
Health = Literal["online", "no_paper", "offline"]
_serial = itertools.count(1)


@dataclass
class Order:
    """One order in the cloud."""

    id: str
    content: str
    received: float
    copies: int = 1
    expires: int | None = None
    origin: str = ""
    state: Literal["waiting", "printed", "dropped", "cancelled"] = "waiting"
    printed_at: float | None = None
    on_paper: int = 0
    """Copies that came out, whatever the cloud knows of them."""
    told: Callable[[Order], None] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return what /_sim/state shows."""
        return {
            "id": self.id, "state": self.state, "on_paper": self.on_paper, "copies": self.copies, "expires": self.expires,
            "origin_id": self.origin, "content": self.content, "received": self.received, "printed_at": self.printed_at,
        }  # fmt: skip


@dataclass
class Device:
    """One printer: `health` is the truth, `reported` what the cloud knows."""

    number: str
    key: str
    execute: Callable[[str], bytes]
    """Markup -> ESC/POS, as the firmware does it: bytes that are already commands pass."""
    now: Callable[[], float]
    bound: bool = True
    lag_s: float = 120.0
    """Seconds of silence after which the cloud says offline."""
    name: str = ""
    health: Health = "online"
    held: bool = False
    """Button-print mode: jobs wait for the key on the device."""
    deaf: bool = False
    """Its acknowledgements do not reach the cloud."""
    print_s: float = PRINT_S
    orders: list[Order] = field(default_factory=list)
    slips: list[dict[str, Any]] = field(default_factory=list)
    _since: float = 0.0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Switch it on."""
        self._task = asyncio.create_task(self._run(), name=f"cloud-printer-{self.number}")

    async def stop(self) -> None:
        """Take it away."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def set_health(self, health: Health) -> None:
        """Change what is true; the cloud learns of silence only after `lag_s`."""
        if health != self.health:
            self.health, self._since = health, self.now()
        self._changed.set()

    def reported(self) -> Health:
        """Return what the cloud says of it."""
        if self.health == "offline" and self.now() - self._since < self.lag_s:
            return "online"
        return self.health

    def add(self, order: Order) -> None:
        """Put an order into the queue."""
        self.orders.append(order)
        self._changed.set()

    def waiting(self) -> list[Order]:
        """Return the orders not yet printed."""
        return [o for o in self.orders if o.state == "waiting"]

    def press_key(self) -> None:
        """Let the jobs out that wait for the key."""
        self.held = False
        self._changed.set()

    def print_now(self, order: Order) -> None:
        """Print an order that waits, ahead of the others, as when the device has just fetched it."""
        self._print(order)

    async def _run(self) -> None:
        done: set[str] = set()
        while True:
            queue = [o for o in self.waiting() if o.id not in done]
            if not queue or self.health != "online" or self.held:
                self._changed.clear()
                await self._changed.wait()
                continue
            order = queue[0]
            if order.expires is not None and self.now() > order.expires:
                order.state = "dropped"
                continue
            await asyncio.sleep(self.print_s)
            if order.state == "waiting" and self.health == "online":
                self._print(order)
                done.add(order.id)

    def _print(self, order: Order) -> None:
        raw = self.execute(order.content)
        for _ in range(order.copies):
            paper = Interpreter()
            paper.feed(b"\x1b@\x1c&" + raw)
            paper.end()
            self.slips += [{**slip.as_json(), "order": order.id} for slip in paper.slips]
            order.on_paper += 1
        if not self.deaf:
            order.state, order.printed_at = "printed", self.now()
            if order.told is not None:
                order.told(order)

    def as_json(self) -> dict[str, Any]:
        """Return what /_sim/state shows."""
        return {
            "key": self.key, "bound": self.bound, "name": self.name, "health": self.health, "reported": self.reported(),
            "held": self.held, "orders": [o.as_json() for o in self.orders], "slips": self.slips,
        }  # fmt: skip


def serial() -> int:
    """Return a number that no order had yet."""
    return next(_serial)
