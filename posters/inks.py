"""The inks of a page: colours, acts of painting, and whether a code is black alone."""

from __future__ import annotations

from typing import Any, NamedTuple

from posters.symbol import LOGO_SHARE

LOGO_SLACK = 1.2  # the area is known to half a module on each side
Bounds = tuple[float, float, float, float]


class Ink(NamedTuple):
    """A colour: its space and its parts."""

    space: str
    parts: tuple[float, ...]

    def black_only(self) -> bool:
        """Say whether only the black plate, or no plate, carries it."""
        if self.space == "cmyk":
            return self.parts[:3] == (0, 0, 0)
        return self.space == "grey"

    def white(self) -> bool:
        """Say whether it is bare paper."""
        return (self.space == "cmyk" and not any(self.parts)) or (self.space == "grey" and self.parts == (1,))

    def total(self) -> float:
        """Return the sum of ink in percent; spot colours count as none."""
        if self.space == "cmyk":
            return 100 * sum(self.parts)
        return 100 * (1 - self.parts[0]) if self.space == "grey" and self.parts else 0.0


class Paint(NamedTuple):
    """One act of painting, in points of the page; `pieces` are the parts of a line, since its bounds hold much air."""

    kind: str  # fill, stroke, text, image, shading
    bounds: Bounds
    ink: Ink
    pieces: tuple[Bounds, ...] = ()
    size: float = 0.0  # type: its size; a line: its width
    overprint: bool = False
    clear: bool = False  # seen through
    box: bool = False  # type that shows the box of a missing character
    pixels: tuple[int, int] = (0, 0)  # an image's
    picture: Any = None  # an image's stream
    piece: Bounds | None = None  # the trim of the piece on a sheet that it is part of

    def meets(self, area: Bounds) -> bool:
        """Say whether any of it may lie within an area."""
        return any(overlap(piece, area) for piece in self.pieces or (self.bounds,))


def code_is_black_only(all_paints: list[Paint], area: Bounds) -> bool:
    """Say whether what is seen within `area` is painted on the black plate alone."""
    seen: list[Paint] = []
    for paint in all_paints:
        if paint.kind == "fill" and paint.ink.white() and _covers(paint.bounds, area):
            seen = []
        elif paint.meets(area):
            seen.append(paint)
    return bool(seen) and all(paint.ink.black_only() or _is_logo(paint, area) for paint in seen)


def _is_logo(paint: Paint, area: Bounds) -> bool:
    """Say whether it is a picture in the middle of a code, no larger than a code of level Q bears."""
    x0, y0, x1, y1 = paint.bounds
    wide, high = area[2] - area[0], area[3] - area[1]
    off = max(abs(x0 + x1 - area[0] - area[2]) / wide, abs(y0 + y1 - area[1] - area[3]) / high)
    small = (x1 - x0) * (y1 - y0) <= LOGO_SHARE * LOGO_SLACK * wide * high
    return paint.kind == "image" and paint.ink.space in ("cmyk", "grey") and small and off < 0.1


def _covers(outer: Bounds, inner: Bounds) -> bool:
    return outer[0] <= inner[0] and outer[1] <= inner[1] and outer[2] >= inner[2] and outer[3] >= inner[3]


def overlap(a: Bounds, b: Bounds) -> bool:
    """Say whether two boxes share some area, or a line lies in one."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
