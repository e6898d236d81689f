"""The same refusal over and over: a scanner that lies on a used slip reads it ten times a second.

Each reading is answered; the journal notes the first one of a minute, so that no slip can wear the card out.
"""

from __future__ import annotations

from collections import OrderedDict

from kiosk.clock import Clock

QUIET_S = 60.0
KEPT = 200


class Repeats:
    """Remembers which refusals were noted of late."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._noted: OrderedDict[str, float] = OrderedDict()

    def first(self, what: str) -> bool:
        """Tell whether this was not noted within the last minute, and take it as noted now."""
        now = self._clock.mono()
        last = self._noted.get(what)
        if last is not None and now - last < QUIET_S:
            return False
        self._noted[what] = now
        self._noted.move_to_end(what)
        if len(self._noted) > KEPT:
            self._noted.popitem(last=False)
        return True
