"""What every printer of a cloud does alike: one order at a time, within its time, and no word more certain than the cloud's."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import ClassVar, Generic, TypeVar

import msgspec

from kiosk.printing.printers.abilities import Abilities
from kiosk.printing.printers.cloud import CloudError
from kiosk.printing.printers.port import Outcome, Status, Wants
from kiosk.printing.profiles import Profile

Clock = Callable[[], float]
LEAST_S = 0.2
"""Shortest time between two looks at an order."""


class Order(msgspec.Struct):
    """What is known of the order under way."""

    size: int
    began: float
    """Monotonic seconds."""
    end: float
    number: str = ""
    maybe: bool = False
    """It may have arrived."""

    def leaves(self) -> None:
        """Note that the order goes out."""
        self.maybe = True

    def left(self) -> float:
        """Return the seconds that are left for it."""
        return self.end - asyncio.get_running_loop().time()


Work = TypeVar("Work", bound=Order)


class CloudPrinter(Generic[Work]):
    """A printer at a cloud with an account of our own; a driver says what is asked, here is said when and how it is judged."""

    title: ClassVar[str]
    """The cloud's name as people say it."""
    wants: Wants
    can: ClassVar[Abilities]
    order: ClassVar[type[Order]] = Order

    def __init__(self, name: str, url: str, profile: Profile, number: str, clock: Clock = time.time) -> None:
        self.name, self.url, self.profile = name, url, profile
        self.number, self.clock = number, clock
        self._one = asyncio.Lock()
        self._job: Work | None = None
        self._called = asyncio.Event()

    @property
    def by_rid(self) -> bool:
        """Tell whether an order is found again by our own name for it: it has one, and there is a list to look in."""
        return self.can.same_key_s > 0 and self.can.lists

    @property
    def sent(self) -> int:
        """Return how many bytes of the order under way, or of the last one, may have left."""
        return self._job.size if self._job is not None and self._job.maybe else 0

    async def start(self) -> None:
        """Do nothing yet: a cloud is called for each slip, and a token is never fetched because a program starts."""
        return

    async def stop(self) -> None:
        """Wait for the order under way, then close the connections."""
        async with self._one:
            await self._close()

    async def send(self, job: bytes, *, rid: str, deadline_s: float, copies: int = 1) -> Outcome:
        """Give one order and follow it to its end; one that may still appear is *unknown*, and what to do about it is said."""
        if (told := self.can.too_long(self.title, job)) is not None:
            return Outcome("failed", "configuration", told)
        now = asyncio.get_running_loop().time()
        work: Work = self.order(len(job), now, now + deadline_s)  # type: ignore[assignment]
        try:
            async with asyncio.timeout(deadline_s), self._one:
                self._job = work
                given = copies if self.can.copies == "param" else 1
                ended = await self._print(work, job.decode("utf-8"), rid, given)
        except TimeoutError:
            told = f"not done within {deadline_s:g} s"
            if not work.maybe:
                return Outcome("failed", "no_answer", f"{self.title}: {told}; no order was given")
            ended = Outcome("unknown", "no_answer", told, work.size)
        if ended.ended != "unknown":
            return ended
        return msgspec.structs.replace(
            ended, detail=f"{ended.detail.rstrip('.')}. {self.can.later(self.title)}"
        )

    def told(self) -> None:
        """Look at the order under way at once: its cloud says that something came of it. No word of that is believed."""
        self._called.set()

    async def _rest(self, pause_s: float) -> None:
        """Wait before the next look, not so long when the cloud calls; calls of a stranger make no more than five looks a second."""
        await asyncio.sleep(min(LEAST_S, pause_s))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, pause_s - LEAST_S)):
                await self._called.wait()
        self._called.clear()

    async def status(self) -> Status:
        """Ask the cloud for the printer's state; it may be minutes old."""
        try:
            return await self._state()
        except CloudError as err:
            return Status("error" if err.trouble == "configuration" else "nobody_answered", str(err))

    async def _print(self, work: Work, content: str, rid: str, copies: int) -> Outcome:
        """Give the order and follow it."""
        raise NotImplementedError

    async def _state(self) -> Status:
        """Ask for the state; CloudError."""
        raise NotImplementedError

    async def _close(self) -> None:
        """Close the connections."""
        raise NotImplementedError
