"""What is done about a screen that shows the wrong thing: soft reload -> restart browser -> restart compositor -> report. Pure.

Each rung has its time to help and a budget per boot (facts: edge 3(d)): a broken screen must not become a blinking one.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Rung = Literal["reload", "browser", "compositor", "report"]
RUNGS: tuple[Rung, ...] = ("reload", "browser", "compositor", "report")
PATIENCE_S: dict[Rung, float] = {"reload": 12.0, "browser": 25.0, "compositor": 40.0, "report": 600.0}
"""A page proves itself 1 s after it loads and every 5 s; Chromium is up after 15 s on a Pi 3, cage after 20 s."""
BUDGET: dict[Rung, int] = {"reload": 30, "browser": 10, "compositor": 4, "report": 1000}


class Climb(msgspec.Struct, frozen=True):
    """How far up the ladder this trouble has led, and what was used up since the board was started."""

    boot: str = ""
    used: dict[str, int] = {}
    rung: Rung | None = None
    at: float = 0.0
    """Monotonic seconds of the last rung."""


def settled(climb: Climb) -> Climb:
    """Return the ladder after the trouble has gone: the next one begins at the bottom, budgets stay used."""
    return msgspec.structs.replace(climb, rung=None)


def step(climb: Climb, now: float) -> tuple[Climb, Rung | None]:
    """Return the ladder and what to do now that there is trouble; None while the last rung may still help."""
    if climb.rung is not None and now - climb.at < PATIENCE_S[climb.rung]:
        return climb, None
    after = RUNGS.index(climb.rung) + 1 if climb.rung is not None else 0
    rung: Rung = next((r for r in RUNGS[after:] if climb.used.get(r, 0) < BUDGET[r]), "report")
    used = {**climb.used, rung: climb.used.get(rung, 0) + 1}
    return Climb(climb.boot, used, rung, now), rung
