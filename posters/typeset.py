"""Text -> lines: mixed Chinese and Latin, kinsoku, punctuation at edges, the fit rules. Pure; widths in em."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Literal, NamedTuple

OPEN = "“‘（《〈「『【〔"
CLOSE = "”’）》〉」』】〕，。、；："
NO_START = CLOSE + "！？!?…—～·,.;:)]}%％"
NO_END = OPEN + "([{￥¥$"
UNITS = "元折张份%％"
SOFT = "\u200b"
AND = ("&", "& ")  # a word of its own that opens a line, never ends one
MEASURE_STEP = 0.1  # pt: sizes are whole tenths

Measure = Callable[[str], float]  # the advance of one character in em
Fit = Literal["shrink", "fill", "wrap"]

_ATOM = re.compile(r"\n|[ \t]+|(?:[^\s\u1100-\uffff\U00010000-\U0010ffff]|\u00a0)+|.", re.DOTALL)


class Line(NamedTuple):
    """Runs of characters with the x of each in em; width is that of the visible ink."""

    runs: tuple[tuple[float, str], ...]
    width: float


class Fitted(NamedTuple):
    """Lines and the size in pt at which they fit."""

    lines: tuple[Line, ...]
    size: float


def is_wide(char: str) -> bool:
    """Say whether a character is set on the Chinese square."""
    return unicodedata.east_asian_width(char) in "WF" or char in "“”‘’…—"


def atoms(text: str) -> list[str]:
    """Split text where a line may break: each Chinese character by itself, Latin words and figures whole.

    A template may say where its own words break by SOFT marks; data has none, since cleaning takes them out.
    """
    if SOFT in text:
        return [piece for piece in re.split(f"{SOFT}|(\n)", text) if piece]
    pieces = _ATOM.findall(text)
    joined: list[str] = []
    for piece in pieces:
        if joined and _sticks(joined[-1], piece):
            joined[-1] += piece
        else:
            joined.append(piece)
    return joined


def _sticks(before: str, after: str) -> bool:
    """Say whether no line may break between the two (kinsoku, figures with their unit, & with what it adds)."""
    if before in AND and after != "\n":
        return True
    if before.isspace() or after.isspace():
        return False
    unit = before[-1].isdigit() and after[0] in UNITS
    return after[0] in NO_START or before[-1] in NO_END or unit


def set_line(text: str, measure: Measure, gap: float = 0.125, tracking: float = 0) -> Line:
    """Set one line: thin space between Chinese and Latin, punctuation closed up, edges hung."""
    runs: list[tuple[float, str]] = []
    x, run, start, last = 0.0, "", 0.0, ""
    for char in text:
        shift = _between(last, char, measure, gap)
        if last and shift:
            runs.append((start, run))
            run, start = "", x + shift
        elif not last:
            start = -_blank_before(char, measure)
            x = start
        x += shift if last else 0
        x += measure(char) + tracking
        run += char
        last = char
    if run:
        runs.append((start, run))
    width = x - tracking - _blank_after(last, measure) if last else 0.0
    return Line(tuple(runs), width)


def _between(a: str, b: str, measure: Measure, gap: float) -> float:
    """Return what to add between two characters, in em."""
    if not a:
        return 0.0
    if _blank_after(a, measure) and (b in OPEN or b in CLOSE):
        return -0.5
    if _blank_before(b, measure) and a in OPEN:
        return -0.5
    mixed = is_wide(a) != is_wide(b)
    wordy = all(c.isalnum() or c in "¥￥%+&" for c in (a, b))
    return gap if mixed and wordy else 0.0


def _blank_before(char: str, measure: Measure) -> float:
    return 0.5 if char and char in OPEN and measure(char) > 0.9 else 0.0


def _blank_after(char: str, measure: Measure) -> float:
    return 0.5 if char and char in CLOSE and measure(char) > 0.9 else 0.0


def break_lines(
    text: str, width: float, measure: Measure, gap: float = 0.125, tracking: float = 0
) -> list[Line] | None:
    """Break greedily at `width` em; None when one unbreakable piece is wider."""
    return _broken(atoms(text), width, lambda part: set_line(part, measure, gap, tracking))


def _broken(pieces: list[str], width: float, line: Callable[[str], Line]) -> list[Line] | None:
    lines: list[Line] = []
    current, kept = "", Line((), 0.0)
    for piece in [*pieces, "\n"]:
        if piece == "\n":
            lines.append(kept)
            current, kept = "", Line((), 0.0)
            continue
        tried = line((current + piece).strip())
        if tried.width <= width + 1e-9:
            current, kept = current + piece, tried
            continue
        if kept.runs:
            lines.append(kept)
        current = piece.lstrip()
        kept = line(current)
        if kept.width > width + 1e-9:
            return None
    return [found for found in lines if found.runs]


def narrowest(
    text: str, count: int, measure: Measure, gap: float = 0.125, tracking: float = 0
) -> list[Line] | None:
    """Return at most `count` lines whose widest is as narrow as can be; None when the text has more forced lines."""
    line = lru_cache(maxsize=None)(lambda part: set_line(part, measure, gap, tracking))  # asked for 24 times
    whole = max((line(part.replace(SOFT, "")).width for part in text.split("\n")), default=0.0)
    low, high = 0.0, whole
    pieces = atoms(text)
    best = _broken(pieces, whole, line)
    if best is None or len(best) > count:
        return None
    if count == 1:
        return best
    for _ in range(24):
        middle = (low + high) / 2
        lines = _broken(pieces, middle, line)
        if lines is None or len(lines) > count:
            low = middle
        else:
            high, best = middle, lines
    return best


def fit(
    text: str,
    width: float,
    height: float,
    measure: Measure,
    *,
    size: float,
    least: float,
    lines: int,
    mode: Fit,
    leading: float,
    gap: float = 0.125,
    tracking: float = 0,
) -> Fitted | None:
    """Fit text into width x height pt: shrink to `least`, then more lines, then None.

    `fill` takes the number of lines that gives the largest type, `wrap` the fewest that keep the full size.
    """
    best: Fitted | None = None
    for count in range(1, lines + 1):
        block = narrowest(text, count, measure, gap, tracking)
        if block is None:
            continue
        widest = max(line.width for line in block) or 1e-6
        tall = height / (1 + (len(block) - 1) * leading)
        fits = _tenths(min(size, width / widest, tall))
        if fits < least:
            continue
        if best is None or fits > best.size:
            best = Fitted(tuple(block), fits)
        if mode == "shrink" or (mode == "wrap" and fits >= size):
            break
    return best


def _tenths(size: float) -> float:
    """Round down to tenths of a point."""
    return int(size / MEASURE_STEP + 1e-6) * MEASURE_STEP
