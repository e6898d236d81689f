"""Slip -> lines and blocks: the only place that wraps and pads; all renderers share it. Pure."""

from __future__ import annotations

from functools import lru_cache

from msgspec import Struct

from kiosk.printing import columns as col
from kiosk.printing import slip as s
from ui import codes

QUIET_DOTS = 24
"""Blank above and below a code: at a gap of 0 a barcode below made a QR unreadable (facts: printing 4.1)."""
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
    level: s.Align | str
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


def lay_out(slip: s.Slip, width_dots: int) -> Layout:
    """Lay a slip out for a width in dots."""
    work = _Work(width_dots)
    for n, element in enumerate(slip.elements):
        work.add(n, element)
    return Layout(tuple(work.blocks), tuple(work.lost), tuple(work.degraded))


class _Work:
    """Collects blocks and notes."""

    def __init__(self, dots: int) -> None:
        self.dots, self.columns = dots, dots // 12
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
                self.blocks.append(Line(element.char * self.columns))
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
        plain, lost = col.clean(text)
        if lost:
            shown = " ".join(f"{c} (U+{ord(c):04X})" for c in lost)
            self.lost.append(f"elements[{n}]: printers have no {shown}; {col.LOST} stands for it.")
        return plain

    def _text(self, n: int, e: s.Text) -> None:
        for line in col.wrap(self._clean(n, e.text), self.columns // e.width):
            self.blocks.append(Line(line, e.align, e.width, e.height, e.bold, e.underline))

    def _row(self, n: int, e: s.Row) -> None:
        wanted = sum(c.columns for c in e.cells)
        widths = [c.columns for c in e.cells]
        if wanted > self.columns:
            widths = self._squeezed(widths)
            self.degraded.append(
                f"elements[{n}]: {wanted} columns were asked for, the paper has {self.columns}; cells are narrower."
            )
        wrapped = [col.wrap(self._clean(n, c.text), w) for c, w in zip(e.cells, widths, strict=True)]
        for i in range(max(map(len, wrapped))):
            parts = [
                col.pad(lines[i] if i < len(lines) else "", w, c.align)
                for lines, w, c in zip(wrapped, widths, e.cells, strict=True)
            ]
            self.blocks.append(Line("".join(parts).rstrip(), bold=e.bold))

    def _squeezed(self, widths: list[int]) -> list[int]:
        """Scale widths down to the paper, each at least two columns (one Chinese character)."""
        total = sum(widths)
        small = [max(2, w * self.columns // total) for w in widths]
        while sum(small) > self.columns:
            small[small.index(max(small))] -= 1
        return small

    def _qr(self, n: int, e: s.Qr) -> None:
        rows = matrix(e.data, e.level)
        most = self.dots // (len(rows) + 8)
        module = min(e.module or MODULE_MOST, most)
        if module < MODULE_FLOOR:
            self.lost.append(
                f"elements[{n}]: {len(e.data)} characters need a QR code whose modules have {module} dots; phones read 4 and more."
            )
            return
        if e.module is not None and module < e.module:
            self.degraded.append(f"elements[{n}]: modules of {e.module} dots do not fit, {module} are used.")
        elif module < MODULE_WARN:
            self.degraded.append(f"elements[{n}]: modules have {module} dots; 5 and more read well.")
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
        self.blocks.append(Line(_readable(e.data), "center"))


def _readable(data: str) -> str:
    """Return a code in groups of four, as people read and type it."""
    return " ".join(data[i : i + 4] for i in range(0, len(data), 4)) if " " not in data else data


@lru_cache(maxsize=256)
def matrix(data: str, level: str) -> tuple[str, ...]:
    """Return the rows of a QR code; drawn by zxing (0.2 ms) where qrcode takes 7 ms."""
    import zxingcpp

    made = zxingcpp.create_barcode(data, zxingcpp.BarcodeFormat.QRCode, ec_level=level)
    picture: list[list[int]] = memoryview(made.to_image(scale=1, add_quiet_zones=False)).tolist()  # type: ignore[arg-type, assignment]
    return tuple("".join("1" if dot == 0 else "0" for dot in row) for row in picture)


@lru_cache(maxsize=256)
def _bar_modules(data: str) -> int:
    start, wide = codes.bars(data)[-1]
    return start + wide
