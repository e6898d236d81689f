"""Is the right QR on the glass? The page reads the modules back from its own pixels and reports them.

Facts: edge 3(d). A page reports every 5 s; one that has been silent for 20 s is stale, so that a fault is known within 30 s.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from kiosk.clock import Clock

Proof = Literal["ok", "wrong", "stale", "none"]
STALE_S = 20.0
LOADS = 16
"""Pages whose frames are remembered; of a browser that is restarted again and again only the newest page goes on."""
GRACE_S = 6.0
"""A page that has just been told another code may still report the one before."""


class Glass:
    """Compares what the counter page shows with what was ordered."""

    def __init__(self, clock: Clock, ordered: Callable[[], dict[str, Any] | None]) -> None:
        self._clock, self._ordered = clock, ordered
        self._seen_at: float | None = None
        self._frames: dict[str, int] = {}
        self._wrong_since: float | None = None
        self._seq = -1
        self._behind_since: float | None = None

    def report(
        self, bits: str, frame: int, visible: bool, seq: int = 0, newest: int = 0, *, load: str = ""
    ) -> Proof:
        """Take a page's report: module bits row by row, a frame counter that must grow, whether the code is in sight.

        `seq` is the number of the view that the page shows, `newest` that of the view it was sent last; `load` is another one
        each time a page is loaded. A report without a new frame proves nothing: the page stands still, or it is told again.
        """
        if not self._moves(load, frame):
            return self.state()
        now = self._seen_at = self._clock.mono()
        ordered = self._ordered()
        right = ordered is None or not visible or bits == "".join(ordered["modules"])
        if right:
            self._wrong_since = None
        elif self._wrong_since is None:
            self._wrong_since = now
        if seq == newest:
            self._behind_since = None
        elif self._behind_since is None or seq != self._seq:  # a page that moves on is late, not stuck
            self._behind_since = now
        self._seq = seq
        return self.state()

    def _moves(self, load: str, frame: int) -> bool:
        last = self._frames.pop(load, -1)
        self._frames[load] = max(last, frame)
        while len(self._frames) > LOADS:
            del self._frames[next(iter(self._frames))]
        return frame > last

    def state(self) -> Proof:
        """Return what is known now; `none`: no page has ever reported."""
        now = self._clock.mono()
        if self._seen_at is None:
            return "none"
        if now - self._seen_at > STALE_S:
            return "stale"
        if self._wrong_since is not None and now - self._wrong_since >= GRACE_S:
            return "wrong"
        if self._behind_since is not None and now - self._behind_since >= GRACE_S:
            return "stale"
        return "ok"
