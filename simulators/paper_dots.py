"""What a slip looks like: the commands that `simulators.paper` understood, set in dots on paper.

Geometry of a thermal printer in standard mode (Epson ESC/POS reference, `ESC 2`, `ESC d`, `GS !`): the characters of a line
stand on a common bottom edge, the paper moves by the line spacing or by the line's height where that is larger; rasters,
barcodes and QR codes move it by exactly their height. What lies beyond the head is cut off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kiosk.printing.columns import width
from kiosk.printing.png import glyph
from ui.codes import _PATTERNS, modules

if TYPE_CHECKING:
    from PIL.Image import Image as Sheet

SPACING = 30
COLUMN, CELL = 12, 24


@dataclass(frozen=True)
class Run:
    """Characters of one style."""

    text: str
    width: int = 1
    height: int = 1
    bold: bool = False
    underline: bool = False


@dataclass(frozen=True)
class LineOp:
    """A printed line."""

    runs: tuple[Run, ...]
    align: str


@dataclass(frozen=True)
class FeedOp:
    """Blank paper, in dots."""

    dots: int


@dataclass(frozen=True)
class BlockOp:
    """A picture, a barcode or a QR code."""

    kind: str
    what: dict[str, Any]
    align: str


Op = LineOp | FeedOp | BlockOp


def picture(ops: list[Op], width_dots: int) -> Sheet:
    """Return the paper as a 1-bit picture, from the first dot to the last that was printed or fed."""
    from PIL import Image

    strips: list[tuple[int, Sheet]] = []
    y = 0
    for op in ops:
        if isinstance(op, FeedOp):
            y += op.dots
            continue
        if isinstance(op, LineOp):
            drawn = _line(op.runs)
            step = max(SPACING, drawn.height if drawn else 0)
        else:
            drawn = _block(op)
            step = drawn.height
        if drawn is not None:
            strip = Image.new("1", (width_dots, drawn.height), 1)
            room = width_dots - drawn.width
            strip.paste(drawn, ({"left": 0, "center": max(0, room // 2), "right": max(0, room)}[op.align], 0))
            strips.append((y, strip))
        y += step
    sheet = Image.new("1", (width_dots, max(1, y)), 1)
    for top, strip in strips:
        sheet.paste(strip, (0, top))
    return sheet


def _line(runs: tuple[Run, ...]) -> Sheet | None:
    from PIL import Image

    wide = sum(width(c) * COLUMN * r.width for r in runs for c in r.text)
    if wide == 0:
        return None
    tall = max(CELL * r.height for r in runs)
    sheet = Image.new("1", (wide, tall), 1)
    x = 0
    for run in runs:
        top = tall - CELL * run.height
        for char in run.text:
            drawn = glyph(char, run.width, run.height, run.bold)
            step = width(char) * COLUMN * run.width
            if drawn is not None:
                sheet.paste(0, (x, top), drawn)
            if run.underline:
                sheet.paste(0, (x, tall - 1, x + step, tall))
            x += step
    return sheet


def _block(op: BlockOp) -> Sheet:
    what = op.what
    if op.kind == "raster":
        from PIL import Image

        return Image.frombytes("1", (what["wide"] * 8, what["high"]), what["data"], "raw", "1;I")
    if op.kind == "qr":
        return _squares(modules(what["data"], what["level"]), what["module"])
    return _bars(what["symbols"], what["module"], what["height"])


def _squares(rows: tuple[str, ...], module: int) -> Sheet:
    from PIL import Image

    raw = bytes(0 if bit == "1" else 255 for row in rows for bit in row)
    small = Image.frombytes("L", (len(rows), len(rows)), raw).convert("1")
    return small.resize((len(rows) * module, len(rows) * module), Image.Resampling.NEAREST)


def _bars(symbols: list[int], module: int, height: int) -> Sheet:
    from PIL import Image

    widths = [int(w) * module for s in symbols for w in _PATTERNS[s]]
    sheet = Image.new("1", (sum(widths), height), 1)
    x = 0
    for n, wide in enumerate(widths):
        if n % 2 == 0:
            sheet.paste(0, (x, 0, x + wide, height))
        x += wide
    return sheet
