"""Slip -> lines and blocks: the only place that wraps and pads; all renderers share it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from msgspec import Struct

from kiosk.printing import columns as col
from kiosk.printing import slip as s
from ui import codes

COLUMN = 12
"""Dots of a half-width character."""
QUIET = 4
"""Modules of quiet zone beside a QR code (ISO/IEC 18004)."""
QUIET_DOTS = 24
"""Blank above and below a code: at a gap of 0 a barcode below made a QR unreadable (facts: printing 4.1)."""
BAR_GAP = 8
"""Blank between a barcode and its text."""
MODULE_FLOOR, MODULE_WARN, MODULE_MOST = 4, 5, 8


class Line(Struct, frozen=True):
    """One printed line; `text` already padded for rows, not for aligned paragraphs."""

    text: str
    align: s.Align = "left"
    width: int = 1
    height: int = 1
    bold: bool = False
    underline: bool = False


class QrBlock(Struct, frozen=True):
    """A QR code with the dots of its modules."""

    data: str
    level: str
    module: int
    rows: tuple[str, ...]


class BarBlock(Struct, frozen=True):
    """A barcode with the dots of its modules and its text."""

    data: str
    module: int
    height: int
    dots: int


class LogoBlock(Struct, frozen=True):
    """A stored picture."""

    name: str


class FeedBlock(Struct, frozen=True):
    """Blank lines."""

    lines: int


class CutBlock(Struct, frozen=True):
    """A cut."""

    kind: str


class DrawerBlock(Struct, frozen=True):
    """A pulse."""

    pin: int


Block = Line | QrBlock | BarBlock | LogoBlock | FeedBlock | CutBlock | DrawerBlock


class Layout(Struct, frozen=True):
    """A slip on its columns, and what did not fit."""

    blocks: tuple[Block, ...]
    lost: tuple[str, ...]
    degraded: tuple[str, ...]


def lay_out(slip: s.Slip, width_dots: int, safe: Callable[[str], str] = str) -> Layout:
    """Lay a slip out for a width in dots; `safe` makes texts harmless before they are measured, where markup needs it."""
    work = _Work(width_dots, safe)
    for n, element in enumerate(slip.elements):
        work.add(n, element)
    return Layout(tuple(work.blocks), tuple(work.lost), tuple(work.degraded))


class _Work:
    """Collects blocks and notes."""

    def __init__(self, dots: int, safe: Callable[[str], str]) -> None:
        self.dots, self.columns, self.safe = dots, dots // COLUMN, safe
        self.blocks: list[Block] = []
        self.lost: list[str] = []
        self.degraded: list[str] = []

    def add(self, n: int, element: s.Element) -> None:
        """Lay one element out."""
        match element:
            case s.Text():
                self._text(n, element)
            case s.Row():
                self._row(n, element)
            case s.Rule():
                char = self.safe(element.char)
                self.blocks.append(Line(char * (self.columns // col.columns(char))))
            case s.Qr():
                self._qr(n, element)
            case s.Code128():
                self._bar(n, element)
            case s.Logo():
                self.blocks.append(LogoBlock(element.name))
            case s.Feed():
                self.blocks.append(FeedBlock(element.lines))
            case s.Cut():
                self.blocks.append(CutBlock(element.kind))
            case s.Drawer():
                self.blocks.append(DrawerBlock(element.pin))

    def _clean(self, n: int, text: str) -> str:
        made = col.clean(text)
        if made.lost:
            shown = " ".join(f"{c} (U+{ord(c):04X})" for c in made.lost)
            self.lost.append(f"elements[{n}]: printers have no {shown}; {col.LOST} stands for it.")
        if made.unseen:
            self.degraded.append(
                f"elements[{n}]: control characters and others without a shape are left out ({made.unseen})."
            )
        return self.safe(made.text)

    def _text(self, n: int, e: s.Text) -> None:
        text, limit = self._clean(n, e.text), self.columns // e.width
        for line in _balanced(text, limit) if e.align == "center" else col.wrap(text, limit):
            self.blocks.append(Line(line, e.align, e.width, e.height, e.bold, e.underline))

    def _row(self, n: int, e: s.Row) -> None:
        texts = [self._clean(n, c.text) for c in e.cells]
        asked = [c.columns for c in e.cells]
        # A cell of one column cannot hold a character of two: it takes two.
        widths = [
            2 if w == 1 and any(map(_is_wide, text)) else w for w, text in zip(asked, texts, strict=True)
        ]
        if e.stretch and sum(widths) < self.columns:
            widths = self._stretched(widths)
        elif sum(widths) > self.columns:
            widths = self._squeezed(widths)
            self.degraded.append(
                f"elements[{n}]: {sum(asked)} columns were asked for, the paper has {self.columns}; cells are narrower."
            )
        elif widths != asked:
            self.degraded.append(f"elements[{n}]: a cell of 1 column is 2 wide, as its characters are.")
        wrapped = [col.wrap(text, w) for text, w in zip(texts, widths, strict=True)]
        for i in range(max(map(len, wrapped))):
            parts = [
                col.pad(lines[i] if i < len(lines) else "", w, c.align)
                for lines, w, c in zip(wrapped, widths, e.cells, strict=True)
            ]
            self.blocks.append(Line("".join(parts).rstrip(), bold=e.bold))

    def _stretched(self, widths: list[int]) -> list[int]:
        """Scale widths up to the paper; what is left over goes to the last."""
        large = [w * self.columns // sum(widths) for w in widths]
        large[-1] += self.columns - sum(large)
        return large

    def _squeezed(self, widths: list[int]) -> list[int]:
        """Scale widths down to the paper, each at least two columns (one Chinese character)."""
        total = sum(widths)
        small = [max(2, w * self.columns // total) for w in widths]
        while sum(small) > self.columns:
            small[small.index(max(small))] -= 1
        return small

    def _qr(self, n: int, e: s.Qr) -> None:
        try:
            rows = matrix(e.data, e.level)
        except ValueError:
            self.lost.append(
                f"elements[{n}]: {len(e.data)} characters are more than a QR code of level {e.level} holds."
            )
            return
        most = self.dots // (len(rows) + 2 * QUIET)
        if most < MODULE_FLOOR:
            self.lost.append(
                f"elements[{n}]: {len(e.data)} characters need a QR code whose modules have {most} dots; phones read {MODULE_FLOOR} and more."
            )
            return
        asked = e.module or MODULE_MOST
        module = max(MODULE_FLOOR, min(asked, most))
        if e.module is not None and module != asked:
            why = "do not fit" if module < asked else "cannot be read by phones"
            self.degraded.append(f"elements[{n}]: modules of {asked} dots {why}, {module} are used.")
        if module < MODULE_WARN:
            self.degraded.append(
                f"elements[{n}]: modules have {module} dots; {MODULE_WARN} and more read well."
            )
        self.blocks.append(QrBlock(e.data, e.level, module, rows))

    def _bar(self, n: int, e: s.Code128) -> None:
        modules = _bar_modules(e.data)
        module = next((m for m in (3, 2) if (modules + 20) * m <= self.dots), 0)
        if module == 0:
            self.lost.append(
                f"elements[{n}]: the barcode {e.data!r} needs {(modules + 20) * 2} dots, the paper has {self.dots}; its text is printed alone."
            )
        else:
            self.blocks.append(BarBlock(e.data, module, e.height, modules * module))
        if e.text or module == 0:
            lines = col.wrap(self.safe(readable(e.data)), self.columns)
            self.blocks += [Line(line, "center") for line in lines]


def _balanced(text: str, limit: int) -> list[str]:
    """Break a centred text into lines of like length, so that no last character stands alone."""
    lines = col.wrap(text, limit)
    if len(lines) == 1:
        return lines
    for less in range(limit - 1, limit // 2, -1):
        closer = col.wrap(text, less)
        if len(closer) > len(lines):
            break
        lines = closer
    return lines


def _is_wide(char: str) -> bool:
    return col.width(char) == 2


def readable(data: str) -> str:
    """Return a code in groups of four, as people read and type it."""
    return " ".join(data[i : i + 4] for i in range(0, len(data), 4)) if " " not in data else data


@lru_cache(maxsize=256)
def matrix(data: str, level: str) -> tuple[str, ...]:
    """Return the rows of a QR code in the smallest version; ValueError when it holds too little.

    zxing draws in 0.2 ms what takes qrcode 7 ms, but marks other than ASCII in ways that printers' own codes do not; there
    qrcode's plain UTF-8 bytes stand for what a printer draws.
    """
    if not data.isascii():
        return _plain_utf8(data, level)
    import zxingcpp

    made = zxingcpp.create_barcode(data, zxingcpp.BarcodeFormat.QRCode, ec_level=level)
    picture: list[list[int]] = memoryview(made.to_image(scale=1, add_quiet_zones=False)).tolist()  # type: ignore[arg-type, assignment]
    return tuple("".join("1" if dot == 0 else "0" for dot in row) for row in picture)


def _plain_utf8(data: str, level: str) -> tuple[str, ...]:
    from qrcode.exceptions import DataOverflowError

    try:
        return codes.modules(data, level)
    except DataOverflowError as err:
        raise ValueError(str(err)) from err


@lru_cache(maxsize=256)
def _bar_modules(data: str) -> int:
    start, wide = codes.bars(data)[-1]
    return start + wide
