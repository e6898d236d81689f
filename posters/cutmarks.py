"""Where the pieces of a sheet lie that somebody else put together: read from its cut marks. Pure; points of the page."""

from __future__ import annotations

from collections.abc import Iterable

from posters.inks import Bounds, Paint
from posters.units import PT_PER_MM

THIN_PT = 1.0
SHORTEST, LONGEST = 2.0 * PT_PER_MM, 15.0 * PT_PER_MM
SAME_PT = 0.75  # marks of one cut; tools round to this


def cells(painted: list[Paint], codes: list[Bounds]) -> list[Bounds]:
    """Return the trim of the piece round each code; none when a code has no cut on each of its four sides."""
    across, down = _cuts(painted, 0), _cuts(painted, 1)
    found: list[Bounds] = []
    for x0, y0, x1, y1 in codes:
        left, low, right, high = _last(across, x0), _last(down, y0), _first(across, x1), _first(down, y1)
        if left is None or low is None or right is None or high is None:
            return []
        found.append((left, low, right, high))
    return found if len(set(found)) == len(codes) else []


def _cuts(painted: list[Paint], axis: int) -> list[float]:
    """Return where two marks or more, one after the other along the cut, stand at the same place across it."""
    marks = sorted((box[axis], box[1 - axis]) for box in _lines(painted) if _is_mark(box, axis))
    cuts: list[float] = []
    start = 0
    for n in range(1, len(marks) + 1):
        if n < len(marks) and marks[n][0] - marks[start][0] <= SAME_PT:
            continue
        along = [place for _, place in marks[start:n]]
        if max(along) - min(along) > LONGEST:
            cuts.append(sum(place for place, _ in marks[start:n]) / (n - start))
        start = n
    return cuts


def _lines(painted: list[Paint]) -> Iterable[Bounds]:
    """Yield the straight parts of lines, and bars that some tools fill instead."""
    for paint in painted:
        if paint.kind == "stroke":
            yield from paint.pieces
        elif paint.kind == "fill":
            yield paint.bounds


def _is_mark(box: Bounds, axis: int) -> bool:
    thick, long = box[axis + 2] - box[axis], box[3 - axis] - box[1 - axis]
    return thick <= THIN_PT and SHORTEST <= long <= LONGEST


def _last(cuts: list[float], edge: float) -> float | None:
    return max((cut for cut in cuts if cut < edge), default=None)


def _first(cuts: list[float], edge: float) -> float | None:
    return min((cut for cut in cuts if cut > edge), default=None)
