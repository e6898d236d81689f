"""The cash drawer that hangs on the kiosk: a till may ask for it, and each opening is put on record, with a sale or without one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from kiosk.counter.baskets import Baskets
from kiosk.events import Bus
from kiosk.hardware.ports import Drawer, Till
from kiosk.hardware.signals import DrawerAsked, DrawerOpened
from kiosk.tasks import Spawn, alone

log = logging.getLogger(__name__)
NONE = "no drawer hangs on this kiosk, or it does not work; kiosk devices says which."


class Acts(Protocol):
    """The part of the journal that is needed here."""

    def note_act(self, person: str, name: str, what: str, rid: str = "") -> Awaitable[None]:
        """Note what somebody did."""


class Drawers:
    """Opens the drawer for tills; `drawer_no_sale` on record is what an owner looks for."""

    def __init__(
        self, bus: Bus, acts: Acts, drawer: Drawer | None, tills: Mapping[str, Till], baskets: Baskets
    ) -> None:
        self._bus, self._acts, self._drawer, self._tills, self._baskets = bus, acts, drawer, tills, baskets
        self._off: list[Callable[[], None]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._spawn: Spawn = alone

    def start(self, spawn: Spawn = alone) -> None:
        """Begin to listen."""
        self._spawn = spawn
        self._off = [self._bus.on(DrawerAsked, self._asked), self._bus.on(DrawerOpened, self._opened)]

    async def stop(self) -> None:
        """Listen no more, once what was opened is on record."""
        for off in self._off:
            off()
        self._off = []
        await asyncio.gather(*self._tasks)

    def _asked(self, event: DrawerAsked) -> None:
        opened = self._drawer is not None and self._drawer.open(by=f"till:{event.till}")
        till = self._tills.get(event.till)
        if till is not None:
            till.answer({"drawer": "opened"} if opened else {"drawer": "absent", "error": NONE})

    def _opened(self, event: DrawerOpened) -> None:
        sale = self._baskets.sold(event.by.removeprefix("till:")) if event.by.startswith("till:") else False
        if not sale:
            log.warning("drawer %s was opened by %s without a sale", event.drawer, event.by or "somebody")
        task = self._spawn(self._note(event.by, sale), name="drawer")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _note(self, by: str, sale: bool) -> None:
        try:
            await self._acts.note_act("", "", "drawer" if sale else "drawer_no_sale", by)
        except Exception:
            log.exception("that the drawer was opened by %s could not be put on record", by)
