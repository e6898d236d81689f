"""A code drawn in rectangles, where a display has a command for them: its level is then ours to choose. Pure.

What makes a code on a small panel readable is first the size of its modules, then its level: so it is the highest level whose
modules keep `GOOD_PX`, and where none does, the one with the largest modules.
"""

from __future__ import annotations

import msgspec

from kiosk.hardware.ports import LEVELS, Level
from ui.codes import QUIET, modules

GOOD_PX = 5
"""0.7 to 0.9 mm on panels of 2.8 to 4.3 inches; phones read 0.5 mm from a hand's breadth."""
LEAST_PX = 3
BYTES = (17, 32, 53, 78, 106, 134, 154, 192, 230, 271)
"""What versions 1 to 10 hold at level L (ISO/IEC 18004, table 7); no panel on a counter shows a finer code that reads well."""
Run = tuple[int, int]
"""First pixel and length."""


class Band(msgspec.Struct, frozen=True):
    """A row of the square: it is made white, then its dark runs are filled. So a code that is drawn anew never vanishes whole."""

    y: int
    height: int
    dark: tuple[Run, ...] = ()


class Drawn(msgspec.Struct, frozen=True):
    """A code on a white square, in pixels from its corner."""

    level: Level
    px: int
    """Pixels of a module."""
    bands: tuple[Band, ...]


def most_bytes(side: int) -> int:
    """Return how long a code may be in a square of so many pixels; 0 when none fits."""
    fits = [
        size for version, size in enumerate(BYTES, 1) if side // (17 + 4 * version + 2 * QUIET) >= LEAST_PX
    ]
    return fits[-1] if fits else 0


def choose(data: str, side: int) -> tuple[Level, int]:
    """Return the level for a code in a square of so many pixels, and the pixels of its modules."""
    sizes = {level: side // (len(modules(data, level)) + 2 * QUIET) for level in LEVELS}
    good = [level for level in LEVELS if sizes[level] >= GOOD_PX]
    best = good[-1] if good else max(LEVELS, key=lambda level: (sizes[level], LEVELS.index(level)))
    return best, sizes[best]


def draw(data: str, side: int) -> Drawn:
    """Draw a code into a square of so many pixels."""
    level, px = choose(data, side)
    rows = modules(data, level)
    edge = (side - px * len(rows)) // 2
    end = edge + px * len(rows)
    inside = (
        Band(edge + y * px, px, tuple((edge + x * px, w * px) for x, w in _runs(row)))
        for y, row in enumerate(rows)
    )
    return Drawn(level, px, (Band(0, edge), *inside, Band(end, side - end)))


def _runs(row: str) -> list[Run]:
    """Return start and length of each run of dark modules."""
    found: list[Run] = []
    x = row.find("1")
    while x >= 0:
        end = row.find("0", x)
        end = len(row) if end < 0 else end
        found.append((x, end - x))
        x = row.find("1", end)
    return found
