"""Watches the glass and climbs the ladder; asleep outside the opening hours."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Literal

import msgspec

from kiosk.clock import Clock
from kiosk.counter.glass import Glass
from kiosk.counter.ladder import Climb, Rung, settled, step
from kiosk.journal.errors import JournalError
from kiosk.journal.store import Journal
from kiosk.tasks import Spawn, alone

log = logging.getLogger(__name__)
LOOK_S = 1.0
KEEPER_S = 20.0
"""A keeper of the screen reports every 2 s, and 17 s after a screenshot that hangs; without one nobody can restart a browser."""
START_S = 30.0
"""A browser that has just been started is silent: its page proves itself 16 s later on a Pi 3 (facts: edge 3(d))."""
COVERED_S = 25.0
"""A screenshot and its decoding take up to 17 s: one begun while an outcome covered the code proves nothing."""
Connector = Literal["on", "off", "unplugged", "unknown"]


class Report(msgspec.Struct, frozen=True):
    """What the keeper of the screen says: the code read from a screenshot, when one was made, and the connector's state."""

    connector: Connector = "unknown"
    page: str = ""
    """The name of the page in the keeper's browser; while there is one, no other page's proof counts."""
    looks: bool = False
    """A screenshot is about to be taken."""
    looked: bool = False
    read: str | None = None


State = Literal["ok", "wrong", "stale", "none", "unseen", "unplugged", "dark"]
"""What is known of the glass: as the page proves it, then as it is seen from outside."""


class ScreenWatch:
    """Puts page, screenshot and connector together."""

    def __init__(
        self,
        glass: Glass,
        journal: Journal,
        clock: Clock,
        *,
        open_now: Callable[[], bool],
        link: Callable[[], str],
        reload: Callable[[], None],
        repaint: Callable[[], None],
    ) -> None:
        self._glass, self._journal, self._clock = glass, journal, clock
        self._open_now, self._link, self._reload, self._repaint = open_now, link, reload, repaint
        self._climb = Climb()
        self._heard_at: float | None = None
        self._kept_since = 0.0
        self._connector: Connector = "unknown"
        self._page = ""
        self._misread = 0
        self._covered_at: float | None = None
        self._order: Literal["", "browser", "compositor"] = ""
        self.reported = False
        self._task: asyncio.Task[None] | None = None

    async def start(self, spawn: Spawn = alone) -> None:
        """Begin with the budgets that this boot has left."""
        kept = await self._journal.get("screen_ladder")
        known = msgspec.json.decode(kept, type=Climb) if kept else Climb()
        used = known.used if known.boot == self._clock.boot else {}
        self._climb = Climb(self._clock.boot, used)
        self._task = spawn(self._for_ever(), name="screen-watch")

    async def stop(self) -> None:
        """Watch no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def hear(self, report: Report, *, covered: bool = False) -> Literal["", "browser", "compositor"]:
        """Take a report of the keeper and return what it is to do; `covered`: an outcome is ordered in place of the code."""
        now = self._clock.mono()
        if not self.has_keeper:
            self._kept_since = now
        self._heard_at, self._connector, self._page = now, report.connector, report.page
        if report.looks:
            self._repaint()
        if covered:
            self._covered_at = now
        in_sight = self._covered_at is None or now - self._covered_at > COVERED_S
        if report.looked and in_sight:
            self._misread = 0 if report.read == self._link() or not self._link() else self._misread + 1
        order, self._order = self._order, ""
        return order

    @property
    def look_again(self) -> bool:
        """Tell whether the last screenshot showed another code or none: a second look now is better than in 20 s."""
        return self._misread == 1

    @property
    def has_keeper(self) -> bool:
        """Tell whether a keeper of the screen runs."""
        return self._heard_at is not None and self._clock.mono() - self._heard_at < KEEPER_S

    def counts(self, page: str) -> bool:
        """Tell whether a page's proof counts: with a keeper only that of the page in its own browser."""
        return not self.has_keeper or not self._page or page == self._page

    @property
    def connector(self) -> Connector:
        """Return the state of the screen's cable, as far as a keeper knows."""
        return self._connector if self.has_keeper else "unknown"

    def trouble(self) -> str:
        """Return what is wrong with the glass in a word; empty: nothing. A covered page (an outcome) is no trouble."""
        if not self._open_now() or self.connector in ("off", "unplugged"):
            return ""
        state = self._glass.state()
        if state in ("wrong", "stale"):
            return state
        if self.has_keeper and self._misread >= 2:
            return "unseen"
        return "silent" if state == "none" and self._started else ""

    @property
    def _started(self) -> bool:
        """Tell whether a browser is kept for so long that its page should have proven itself."""
        return self.has_keeper and self._clock.mono() - self._kept_since >= START_S

    def state(self) -> State:
        """Return what is known of the glass; outside the opening hours nothing is wrong with a dark one."""
        if not self._open_now():
            return "ok"
        if self.connector in ("off", "unplugged"):
            return "dark" if self.connector == "off" else "unplugged"
        page = self._glass.state()
        if page in ("ok", "none") and self.has_keeper and self._misread >= 2:
            return "unseen"
        return "stale" if page == "none" and self._started else page

    async def _for_ever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            await self.look()

    async def look(self) -> Rung | None:
        """Look once; return the rung that was taken."""
        trouble = self.trouble()
        if not trouble:
            self.reported = False
            if self._climb.rung is not None:
                log.info("the counter page is right again")
                self._climb = settled(self._climb)
            return None
        self._climb, rung = step(self._climb, self._clock.mono())
        if rung is None:
            return None
        kept = await self._keep()
        if rung in ("browser", "compositor") and not (kept and self.has_keeper):
            rung = "report"
        log.warning("the counter page is %s: %s", trouble, rung)
        self._take(rung)
        return rung

    async def _keep(self) -> bool:
        """Store the budgets; False when they cannot be: a restart whose count is lost might be repeated for ever (facts: edge 2.2)."""
        try:
            await self._journal.put("screen_ladder", json.dumps(msgspec.to_builtins(self._climb)))
        except JournalError as err:
            log.error("nothing is restarted for the counter page: %s", err)  # noqa: TRY400 - the sentence says it all
            return False
        return True

    def _take(self, rung: Rung) -> None:
        if rung == "reload":
            self._reload()
        elif rung == "report":
            self.reported = True
        else:
            self._order = rung
            self._misread = 0
