"""The in-process bus: one typed event for each thing that happened.

An event tells; it never carries a command and nothing durable depends on it: what must not be lost is in the journal
before it is published.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Literal, TypeVar

import msgspec

log = logging.getLogger(__name__)


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all events."""


class BatchesChanged(Event, frozen=True):
    """Merchant, stores or batches changed in the journal."""

    types: tuple[str, ...] = ("batch",)


class HubReached(Event, frozen=True):
    """The hub answered after it had been away, or for the first time."""


class HubLost(Event, frozen=True):
    """A deadline passed without an answer: the outage is known now."""

    why: str = ""


class HubShutOut(Event, frozen=True):
    """The hub answered a question of the counter by not letting this kiosk in."""

    why: str = ""


class DeviceAccepted(Event, frozen=True):
    """The hub let this kiosk in."""

    device: str


class JournalAcked(Event, frozen=True):
    """Uploaded rows have verdicts."""

    through: int
    conflicts: int = 0


class JournalGrew(Event, frozen=True):
    """A row waits for upload."""


class Scanned(Event, frozen=True):
    """A scanner read something. `text` may be a customer's payment code: never log it."""

    text: str
    scanner: str


class Pressed(Event, frozen=True):
    """The counter's button was pressed."""

    button: str = "button"


OutcomeKind = Literal["confirmed", "accepted", "refused", "retry", "help", "printed", "info", "busy"]


class Outcome(Event, frozen=True):
    """What people at the counter are told; screen, light, sound and speech all follow it."""

    kind: OutcomeKind
    title: str
    detail: str = ""
    hint: str = ""
    until_s: float = 8.0
    rid: str = ""
    reason: str = ""


class PrintDone(Event, frozen=True):
    """A print job ended."""

    job: str
    outcome: Literal["printed", "failed", "unknown"]
    reason: str = ""


class PoolChanged(Event, frozen=True):
    """Slip codes came or went."""

    stock_id: str
    left: int


class DeviceState(Event, frozen=True):
    """A device of the counter changed its state."""

    device: str
    state: str
    detail: str = ""


class LightsChanged(Event, frozen=True):
    """What the lights show now."""

    colour: str
    pattern: str


class Sounded(Event, frozen=True):
    """A sound was played."""

    sound: str
    at: datetime | None = None


E = TypeVar("E", bound=Event)


class Bus:
    """Hands each event to its subscribers, in order, on the loop's thread."""

    def __init__(self) -> None:
        self._handlers: defaultdict[type[Event], list[Callable[[Any], None]]] = defaultdict(list)

    def publish(self, event: Event) -> None:
        """Call every handler of the event's type; a handler that raises is logged and does not stop the others."""
        for handler in [*self._handlers[type(event)], *self._handlers[Event]]:
            try:
                handler(event)
            except Exception:
                log.exception("a handler of %s failed", type(event).__name__)

    def on(self, kind: type[E], handler: Callable[[E], None]) -> Callable[[], None]:
        """Subscribe a plain function, `Event` meaning all; return the function that ends the subscription."""
        self._handlers[kind].append(handler)

        def off() -> None:
            if handler in self._handlers[kind]:
                self._handlers[kind].remove(handler)

        return off

    @asynccontextmanager
    async def queue(self, kind: type[E], maxsize: int = 1000) -> AsyncIterator[asyncio.Queue[E]]:
        """Give a queue of the events of one type; the oldest gives way when a slow reader lets it fill up."""
        q: asyncio.Queue[E] = asyncio.Queue(maxsize)

        def put(event: E) -> None:
            if q.full():
                q.get_nowait()
                log.warning("a reader of %s is too slow: the oldest event was dropped", kind.__name__)
            q.put_nowait(event)

        off = self.on(kind, put)
        try:
            yield q
        finally:
            off()
