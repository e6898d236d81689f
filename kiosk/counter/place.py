"""Where this kiosk stands: asked for by every scan, read from the journal only after it changed."""

from __future__ import annotations

from collections.abc import Callable

from kiosk.counter.result import Place
from kiosk.events import BatchesChanged, Bus
from kiosk.journal.store import Journal


class Places:
    """Remembers the kiosk's store; call it to get the `Place`."""

    def __init__(self, journal: Journal, bus: Bus, device: Callable[[], str], locale: str) -> None:
        self._journal, self._device, self._locale = journal, device, locale
        self._known: Place | None = None
        bus.on(BatchesChanged, self._forget)

    def _forget(self, _: BatchesChanged) -> None:
        self._known = None

    async def __call__(self) -> Place:
        """Return device, store (None until the hub has given one) and language."""
        if self._known is None:
            assigned = await self._journal.assignment()
            stores = await self._journal.stores()
            store = stores.get(assigned.store) if assigned and assigned.store else None
            apart = assigned is not None and assigned.suspended
            self._known = Place(self._device(), store, self._locale, apart)
        return self._known
