"""Layout -> PNG: what the paper will look like, dot for dot (8 dots a mm), in the packaged font."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

from kiosk.printing import layout as lay
from kiosk.printing.columns import width
from kiosk.printing.pictures import Pictures, picture_of
from kiosk.printing.profiles import Profile
from kiosk.printing.report import Rendered, Report
from kiosk.printing.slip import Slip
from ui.codes import bars, modules

if TYPE_CHECKING:
    from PIL.Image import Image

LINE = 30
"""Dots that a line feeds: the power-on line spacing (3.75 mm at 203 dpi); taller characters feed their own height."""
CELL = 24
BASELINE = 20
MARGIN = 16
"""Blank paper above and below in the picture; on paper it is the way from the head to the knife."""
THRESHOLD = 150
"""Grey below it is black. Text is never dithered: 47 % of glyphs lose strokes (facts: printing 3.3)."""


def render(slip: Slip, profile: Profile, pictures: Pictures | None = None) -> Rendered:
    """Return a PNG of the slip, copies below each other."""
    from PIL import Image

    laid = lay.lay_out(slip, profile.width_dots)
    lost: list[str] = []
    one = draw(laid, profile, pictures or {}, lost)
    sheet = Image.new("1", (one.width, one.height * slip.copies), 1)
    for n in range(slip.copies):
        sheet.paste(one, (0, n * one.height))
    out = BytesIO()
    sheet.save(out, "PNG", dpi=(203, 203))
    report = Report((*laid.lost, *lost), laid.degraded, profile.columns, sheet.height)
    return Rendered(out.getvalue(), report)


def draw(laid: lay.Layout, profile: Profile, pictures: Pictures, lost: list[str]) -> Image:
    """Return a slip as a 1-bit picture; what cannot be drawn is added to `lost`."""
    from PIL import Image

    with font_while_drawing():
        pieces = [p for block in laid.blocks if (p := piece(block, profile, pictures, lost)) is not None]
    height = 2 * MARGIN + sum(p.height for p in pieces)
    sheet = Image.new("1", (profile.width_dots, height), 1)
    y = MARGIN
    for drawn in pieces:
        sheet.paste(drawn, (0, y))
        y += drawn.height
    return sheet


@contextmanager
def font_while_drawing() -> Iterator[None]:
    """Let go of the font after a slip: its pages are 13 MiB of the process, and opening it again takes 1.3 ms.

    Characters that were drawn before are kept; a slip of those alone opens no font.
    """
    try:
        yield
    finally:
        _font.cache_clear()


def piece(block: lay.Block, profile: Profile, pictures: Pictures, lost: list[str]) -> Image | None:
    """Return one block across the paper, or None where it leaves no dot."""
    from PIL import Image

    dots = profile.width_dots
    match block:
        case lay.Line():
            return _line(block, dots)
        case lay.QrBlock():
            return _qr(block, dots)
        case lay.BarBlock():
            return _bar(block, dots)
        case lay.FeedBlock():
            return Image.new("1", (dots, LINE * block.lines), 1)
        case lay.CutBlock():
            return _cut(dots)
        case lay.LogoBlock():
            return _logo(block, dots, pictures, lost)
        case lay.DrawerBlock():
            return None


def _line(line: lay.Line, dots: int) -> Image:
    from PIL import Image

    tall = CELL * line.height if line.text else 0
    total = sum(width(c) for c in line.text) * lay.COLUMN * line.width
    x = {"left": 0, "center": (dots - total) // 2, "right": dots - total}[line.align]
    sheet = Image.new("1", (dots, max(LINE, tall)), 1)
    for char in line.text:
        wide = width(char) * lay.COLUMN * line.width
        drawn = glyph(char, line.width, line.height, line.bold)
        if drawn is not None:
            sheet.paste(0, (x, 0), drawn)
        if line.underline:
            sheet.paste(0, (x, tall - 1, x + wide, tall))
        x += wide
    return sheet


def _logo(block: lay.LogoBlock, dots: int, pictures: Pictures, lost: list[str]) -> Image | None:
    from PIL import Image

    found = picture_of(block.name, pictures)
    if isinstance(found, str):
        lost.append(found)
        return None
    sheet = Image.new("1", (dots, len(found.rows)), 1)
    drawn = Image.frombytes("1", (found.width, len(found.rows)), b"".join(found.rows), "raw", "1;I")
    sheet.paste(drawn, ((dots - found.width) // 2, 0))
    return sheet


@lru_cache(maxsize=1024)
def glyph(char: str, w: int, h: int, bold: bool) -> Image | None:
    """Return a character's mask in its cell: 12 or 24 dots by 24, scaled as the printer scales."""
    from PIL import Image, ImageChops, ImageDraw

    if char == " ":
        return None
    cell = width(char) * lay.COLUMN
    room = Image.new("L", (3 * CELL, CELL))
    ImageDraw.Draw(room).text((CELL, BASELINE), char, font=_font(bold), fill=255, anchor="ls")
    left, _, right, _ = room.getbbox() or (CELL, 0, CELL + 1, CELL)
    ink = Image.new("L", (cell, CELL))
    if cell == CELL and left >= CELL and right <= 2 * CELL:
        ink.paste(room.crop((CELL, 0, 2 * CELL, CELL)))  # full-width marks keep their place in the cell
    else:
        drawn = room.crop((left, 0, right, CELL))
        most = cell - 1
        if drawn.width > most:  # M, W, @ are wider than half a cell: pressed together, as printers' fonts do
            drawn = drawn.resize((most, CELL), Image.Resampling.LANCZOS)
        ink.paste(drawn, ((cell - drawn.width) // 2, 0))
    # Lifted so that what is black lies at 128 and above, where converting cuts: `point` would round 256 numbers a glyph.
    lifted = ImageChops.add(ink, ink, 2, 128 - (256 - THRESHOLD))
    mask = lifted.convert("1", dither=Image.Dither.NONE)
    return mask.resize((cell * w, CELL * h), Image.Resampling.NEAREST)


@lru_cache(maxsize=4)
def _font(bold: bool) -> Any:
    from PIL import ImageFont

    from ui.fonts import packaged_font

    font = ImageFont.truetype(str(packaged_font()), 23)
    font.set_variation_by_axes([700 if bold else 450])
    return font


def _qr(block: lay.QrBlock, dots: int) -> Image:
    from PIL import Image

    rows = modules(block.data, block.level)
    side = len(rows) * block.module
    sheet = Image.new("1", (dots, side + 2 * lay.QUIET_DOTS), 1)
    left = (dots - side) // 2
    for y, row in enumerate(rows):
        for x, bit in enumerate(row):
            if bit == "1":
                px, py = left + x * block.module, lay.QUIET_DOTS + y * block.module
                sheet.paste(0, (px, py, px + block.module, py + block.module))
    return sheet


def _bar(block: lay.BarBlock, dots: int) -> Image:
    from PIL import Image

    sheet = Image.new("1", (dots, lay.QUIET_DOTS + block.height + lay.BAR_GAP), 1)
    left = (dots - block.dots) // 2
    for start, wide in bars(block.data):
        x = left + start * block.module
        sheet.paste(0, (x, lay.QUIET_DOTS, x + wide * block.module, lay.QUIET_DOTS + block.height))
    return sheet


def _cut(dots: int) -> Image:
    from PIL import Image

    sheet = Image.new("1", (dots, LINE), 1)
    for x in range(0, dots, 16):
        sheet.paste(0, (x, LINE // 2, x + 8, LINE // 2 + 1))
    return sheet


def packed_rows(picture: Image) -> list[bytes]:
    """Return a 1-bit picture as rows of packed dots, 1 is black."""
    raw = picture.tobytes("raw", "1;I")
    size = (picture.width + 7) // 8
    return [raw[i : i + size] for i in range(0, len(raw), size)]
