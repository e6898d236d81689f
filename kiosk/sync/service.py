"""Sync: enrols, goes up and down, waits for a wake-up; for ever, in one group of tasks.

An outage ends everything and begins with a small request again. A refusal of one thing (an upload that is too large, a pool
that is not given) slows that thing down and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Literal

from kiosk.clock import Clock
from kiosk.coupons.machine import SHUT_OUT
from kiosk.events import Bus, DeviceAccepted, HubLost, HubShutOut, JournalGrew, PoolChanged
from kiosk.journal.store import Journal
from kiosk.sync.client import HubAway, HubClient, HubRefused
from kiosk.sync.exchange import Exchange, PoolSettings
from kiosk.sync.reach import Reach

__all__ = ["PoolSettings", "Sync"]

log = logging.getLogger(__name__)
State = Literal["none", "pending", "accepted", "revoked"]
PROBE_S = (0.5, 15.0)
"""Between two looks for a hub that is away: first and longest. A scan meanwhile makes the next look come at once."""
BACK_OFF_S = (0.5, 30.0)
PENDING_S = (1.5, 10.0)
REVOKED_S = (20.0, 60.0)
WAKE_S = 60.0
HELD_S = 40.0
"""A hub holds a request without news for 45 s or more."""
COMPARE_S = 600.0
"""Journals are compared now and then all the same, though a hub says with every answer when it was started anew."""
STORM_S = (0.5, 1.5)
"""Who ends held requests at once is not stormed."""
ERROR_MAX_S = 1.0
"""Beyond this error of the trusted time (5.5 hours of drift) a plain request is worth while: it tells the time."""
ABOUT_US = ("revoked", "pending", "unknown_device", "bad_signature", "time")


def back_off(n: int, span: tuple[float, float]) -> float:
    """Return the n-th pause in seconds: growing by 1.5, half of it random, since a fleet fails together."""
    return min(span[1], span[0] * 1.5 ** min(n, 40)) * random.uniform(0.5, 1)


class Sync:
    """Keeps the journal and the hub in step."""

    def __init__(
        self,
        client: HubClient,
        reach: Reach,
        journal: Journal,
        bus: Bus,
        clock: Clock,
        *,
        name: str,
        token: str | None,
        pool: PoolSettings,
    ) -> None:
        self.client, self.reach, self.journal, self.bus, self.clock = client, reach, journal, bus, clock
        self._name, self._token = name, token
        self._exchange = Exchange(client, reach, journal, clock, pool)
        self.state: State = "none"
        self.code: str | None = None
        self._up, self._down, self._lost = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._pulled = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._off: list[Callable[[], None]] = []
        self._failures = 0
        self._stopping = False

    async def start(self) -> None:
        """Begin; the kiosk works without waiting for any of it."""
        self._stopping = False
        await self.client.start()
        self.state = "accepted" if await self.journal.get("enrolled") == self.client.url else "none"
        self._off = [
            self.bus.on(JournalGrew, lambda _: self._up.set()),
            self.bus.on(PoolChanged, lambda _: self._down.set()),
            self.bus.on(HubLost, lambda _: self._lost.set()),
            self.bus.on(HubShutOut, lambda _: self.nudge()),
        ]
        self._task = asyncio.create_task(self._for_ever(), name="sync")

    async def stop(self) -> None:
        """End; what did not go up stays in the journal."""
        for off in self._off:
            off()
        self._stopping = True
        while self._task is not None and not self._task.done():
            # Again until it is so: before Python 3.13 a group whose member fails at that moment swallows the cancellation.
            self._task.cancel()
            await asyncio.wait([self._task], timeout=0.2)
        self._task = None
        await self.client.stop()

    def nudge(self) -> None:
        """Look at once whether there is something to do."""
        self._up.set()
        self._down.set()

    async def _for_ever(self) -> None:
        while not self._stopping:
            try:
                await self._enrolled()
                await self._in_step()
            except HubAway as err:
                self.reach.missed(str(err))
                await self._until_probe()
            except HubRefused as err:
                await self._refused(err)
            except Exception:
                log.exception("sync failed; it goes on")
                await self._pause(BACK_OFF_S)

    async def _pause(self, span: tuple[float, float], at_least_s: float = 0.0) -> None:
        """Wait longer after each failure in a row."""
        seconds = max(back_off(self._failures, span), at_least_s)
        self._failures += 1
        await asyncio.sleep(seconds)

    async def _until_probe(self) -> None:
        """Wait for the next look; somebody at the counter who needs the hub cuts it short, but never below the first pause."""
        shortest = back_off(0, PROBE_S)
        rest = back_off(self._failures, PROBE_S) - shortest
        self._failures += 1
        self._up.clear()
        await asyncio.sleep(shortest)
        if rest > 0:
            try:
                async with asyncio.timeout(rest):
                    await self._up.wait()
            except TimeoutError:
                return

    # -- enrolment --

    async def _enrolled(self) -> None:
        """Be let in, however long it takes."""
        while self.state != "accepted":
            told = await self.client.enrol(self._name, self._token)
            self.reach.answered()
            if told.state == "accepted":
                await self._let_in()
            self.state, self.code = told.state, told.code
            if told.state == "revoked":
                await self._shut_out()
                if await self.journal.get("enrolled") == self.client.url:
                    await self._exchange.part()
            if self.state == "accepted":
                self.bus.publish(DeviceAccepted(device=told.device))
            else:
                await self._pause(REVOKED_S if self.state == "revoked" else PENDING_S)

    async def _let_in(self) -> None:
        """Begin with this hub: nothing that came from another one stays, and offline rights wait for what it knows of us."""
        await self.journal.put("unreconciled", "1")
        if await self.journal.pos() or await self.journal.get("database"):
            await self._exchange.snapshot()  # tells which hub it is, before anything goes up
        await self.journal.put("enrolled", self.client.url)
        self._exchange.parted = False  # should it be shut out once more, it has to say so once more
        self._failures = 0

    async def _shut_out(self) -> None:
        """Stop to decide alone, and to hand out what the hub honours no more: a kiosk that it has revoked may be in the wrong hands."""
        if await self.journal.get("unreconciled") != SHUT_OUT:
            await self.journal.put("unreconciled", SHUT_OUT)
        await self.journal.forget_ready()

    async def _refused(self, err: HubRefused) -> None:
        log.warning("the hub refused: %s (%s)", err, err.error)
        if err.error == "revoked":
            self.state = "revoked"
            await self._shut_out()
        elif err.error in ("pending", "unknown_device"):
            self.state = "pending" if err.error == "pending" else "none"
            await self.journal.put("enrolled", None)
        elif err.error == "bad_token":
            self._token = None  # without one an operator can still let the kiosk in by its code
        await self._pause(BACK_OFF_S, err.retry_after_s or 0.0)

    # -- in step --

    async def _in_step(self) -> None:
        """Exchange everything, then go on whenever either side has something new; ends by HubAway or HubRefused."""
        self._lost.clear()
        self._pulled.clear()
        await self._exchange.hello()
        self.reach.answered()
        self.nudge()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._stream(self._up, self._push), name="sync-up")
                group.create_task(self._stream(self._down, self._pull), name="sync-down")
                group.create_task(self._listen(), name="sync-wake")
                group.create_task(self._watch(), name="sync-watch")
        except BaseExceptionGroup as failed:
            raise _first(failed) from failed

    async def _stream(self, wanted: asyncio.Event, work: Callable[[], Awaitable[None]]) -> None:
        """Do a work whenever it is wanted; what is refused waits and comes again."""
        failures = 0
        while True:
            await wanted.wait()
            wanted.clear()
            try:
                await work()
            except HubRefused as err:
                if err.error in ABOUT_US or _ends():
                    raise
                await self._mend(err)
                wanted.set()
                failures += 1
                await asyncio.sleep(max(back_off(failures, BACK_OFF_S), err.retry_after_s or 0.0))
            else:
                failures = self._failures = 0

    async def _mend(self, err: HubRefused) -> None:
        """Do what makes the next try different, where something does."""
        if err.error == "resync_required":
            await self._exchange.snapshot()
            await self._greet()  # a hub that does not know our position may not have our journal's end either
        elif err.status == 413:
            self._exchange.smaller()
        elif err.error in ("seq_gap", "seq_regress"):
            if not await self._exchange.hello():
                await self._exchange.new_epoch(str(err))
            self._down.set()
        else:
            log.warning("the hub refused: %s (%s)", err, err.error)

    async def _push(self) -> None:
        """Send what waits; a hub that has lost items has lost what it granted, too: what came down is asked for anew."""
        try:
            await self._exchange.upload()
        finally:
            if self._exchange.lost:
                self._exchange.lost = False
                self._down.set()

    async def _pull(self) -> None:
        await self._exchange.download()
        self._pulled.set()
        await self._exchange.renew()
        await self._exchange.refill()

    async def _greet(self) -> None:
        """Compare the ends again; what the hub has lost goes up at once."""
        if await self._exchange.hello():
            self.nudge()

    async def _listen(self) -> None:
        """Wait for wake-ups. One that is cut is no outage: many proxies end what is held; a short request tells.

        One that ends early and empty is a hub that stops: the next one may have another database.
        """
        await self._pulled.wait()  # from the position that the first download brings
        compared = self.clock.mono()
        while True:
            begun = self.clock.mono()
            try:
                changed = await self._exchange.wait(WAKE_S)
                ended = not changed and self.clock.mono() - begun < HELD_S
            except HubAway:
                if _ends():
                    raise
                changed = ended = True
            except HubRefused as err:
                if err.error in ABOUT_US or _ends():
                    raise
                changed, ended = True, False  # the pull meets the same, and mends it
                await asyncio.sleep(max(random.uniform(*STORM_S), err.retry_after_s or 0.0))
            if ended and self.clock.mono() - begun < 1:
                await asyncio.sleep(random.uniform(*STORM_S))
            if ended or self._exchange.restarted or self.clock.mono() - compared > COMPARE_S:
                await self._greet()
                compared = self.clock.mono()
            self.reach.answered()
            await self._exchange.remember_time()
            if changed or self._vague():
                self._pulled.clear()
                self._down.set()
                await self._pulled.wait()

    def _vague(self) -> bool:
        error = self.clock.trusted().error_s
        return error is None or error > ERROR_MAX_S

    async def _watch(self) -> None:
        """End the group when somebody at the counter found the hub silent, so that it is probed at once."""
        await self._lost.wait()
        raise HubAway(self.reach.why)


def _ends() -> bool:
    """Tell whether this task was asked to end: an error that arrives with the request hides it, and a group asks only once."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _first(failed: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return what matters most: a fault of ours, then what the hub says of this kiosk, then silence."""
    errors = list(failed.exceptions)
    ours = [e for e in errors if not isinstance(e, (HubAway, HubRefused))]
    told = [e for e in errors if isinstance(e, HubRefused)]
    return (ours or told or errors)[0]
