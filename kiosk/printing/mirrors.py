"""Printers that get a copy of every slip beside the customer's: a picture for the staff, a record. They never hold one up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from kiosk.printing.printers.port import Outcome, Printer
from kiosk.printing.slip import Slip

log = logging.getLogger(__name__)
STOP_S = 0.5


class Mirrors:
    """Prints copies in the background."""

    def __init__(
        self, printers: Sequence[Printer], send: Callable[[Printer, Slip, str], Awaitable[Outcome]]
    ) -> None:
        self._printers, self._send = printers, send
        self._tasks: set[asyncio.Task[None]] = set()

    def print(self, slip: Slip, rid: str) -> None:
        """Give every mirror a copy."""
        for printer in self._printers:
            task = asyncio.create_task(self._copy(printer, slip, rid), name=f"mirror {printer.name}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _copy(self, printer: Printer, slip: Slip, rid: str) -> None:
        try:
            outcome = await self._send(printer, slip, rid)
        except Exception:
            log.exception("mirror %s", printer.name)
            return
        if outcome.ended != "printed":
            log.warning("mirror %s: %s", printer.name, outcome.detail)

    async def stop(self) -> None:
        """Wait a moment for the copies under way, then give them up."""
        if self._tasks:
            tasks = list(self._tasks)
            await asyncio.wait(tasks, timeout=STOP_S)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
