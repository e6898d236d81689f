"""Follows the daemon's views and draws them; proves each picture as a page would."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from typing import Any

from kiosk.screen.canvas import Canvas
from kiosk.screen.drawing import Drawn, draw
from kiosk.screen.link import Away, Link
from kiosk.screen.power import Power

log = logging.getLogger(__name__)
AGAIN_S = 2.0


class Painter:
    """A counter page without a browser."""

    def __init__(
        self,
        link: Link,
        canvas: Canvas,
        *,
        power: Power | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Draw on a canvas; `power` is that of the display behind it, where it is one."""
        self._link, self._canvas, self._power, self._pause = link, canvas, power, pause
        self._view: dict[str, Any] | None = None
        self._drawn: Drawn | None = None
        self._frame = self._turn = 0
        self._load = secrets.token_urlsafe(9)
        self._away = False

    def run(self) -> None:
        """Draw for ever; while the daemon is away the last picture says so."""
        while True:
            try:
                for view in self._link.views():
                    self._away = False
                    self.take(view)
            except Away as err:
                if not self._away:
                    log.warning("the daemon is away: %s", err)
                self._away = True
                self._say_gone()
            self._pause(AGAIN_S)

    def take(self, view: dict[str, Any] | None) -> None:
        """Draw a new view (None: nothing new; the next batches have their turn, the picture is proven again)."""
        if view is None and self._view is not None and self._view["batches"]:
            self._turn += 1
            self._draw(self._view)
        if view is not None and view != self._view:
            self._draw(view)
        if self._power is not None and self._view is not None:
            self._power.follow(bool(self._view["open"]))
        self._prove()

    def _draw(self, view: dict[str, Any]) -> None:
        self._view = view
        self._drawn = draw(view, self._canvas.size, self._turn)
        self._canvas.show(self._drawn.image)

    def _prove(self) -> None:
        if self._drawn is None or self._view is None:
            return
        self._frame += 1
        bits = self._drawn.bits()
        report = {
            "seq": self._view["seq"],
            "bits": bits,
            "frame": self._frame,
            "visible": bool(bits),
            "load": self._load,
        }
        self._link.post("/api/v1/counter/proof", report)

    def _say_gone(self) -> None:
        """A code whose daemon is gone still opens the store's page; the foot says that nobody redeems here."""
        if self._view is not None and self._view["status"]["hub"] != "gone":
            gone = {**self._view["status"], "hub": "gone"}
            self._draw({**self._view, "outcome": None, "status": gone})
