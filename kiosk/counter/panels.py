"""Small displays follow the counter page: the store's code and a line or two; the latest view wins."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Protocol

from kiosk.counter.feedback import for_text_display
from kiosk.counter.show import Show
from kiosk.tasks import Spawn, alone

log = logging.getLogger(__name__)


class Panel(Protocol):
    """The part of a small display that is needed here."""

    def show_code(self, data: str, lines: tuple[str, ...]) -> None:
        """Show a code and up to three lines of text."""


class Panels:
    """Keeps the small displays in step."""

    def __init__(self, show: Show, panels: Sequence[Panel]) -> None:
        self._show, self._panels = show, list(panels)
        self._task: asyncio.Task[None] | None = None

    async def start(self, spawn: Spawn = alone) -> None:
        """Begin to follow; nothing to do without displays."""
        if self._panels:
            self._task = spawn(self._follow(), name="panels")

    async def stop(self) -> None:
        """Follow no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _follow(self) -> None:
        seq, last = 0, None
        while True:
            view = await self._show.changed(seq)
            seq = view["seq"]
            shown = what(view)
            if shown != last:
                last = shown
                for panel in self._panels:
                    _give(panel, shown)


def _give(panel: Panel, shown: tuple[str, tuple[str, ...]]) -> None:
    """Hand a display its view; one that breaks takes no other with it."""
    try:
        panel.show_code(*shown)
    except Exception:
        log.exception("a display could not be given the view; it gets the next one")


def what(view: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Return the code and the lines for a view: an outcome takes the place of the invitation."""
    outcome = view["outcome"]
    if outcome:
        told = (outcome["title"], outcome["detail"], outcome["hint"])
        return view["link"], for_text_display(outcome["kind"], view["locale"], told)
    lines = (view["merchant"]["name"], view["words"]["scan"])
    return view["link"], tuple(line for line in lines if line)
