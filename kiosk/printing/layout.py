"""Slip -> lines and blocks: the only place that wraps and pads; all renderers share it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct

from kiosk.printing import columns as col
from kiosk.printing import qr
from kiosk.printing import slip as s

COLUMN = 12
"""Dots of a half-width character."""
VARYING = (s.Qr, s.Code128)
"""Elements that are never the same twice."""
QUIET_DOTS = 24
"""Blank above and below a code: at a gap of 0 a barcode below made a QR unreadable (facts: printing 4.1)."""
BAR_GAP = 8
"""Blank between a barcode and its text."""
ENDS = ("，", "。", "；", "、", "！", "？", ",", ".", ";", "!", "?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CLAUSE = re.compile(r"[，。；、！？]|[,.;!?](?= )")
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


class Part(Struct, frozen=True):
    """One element laid out; what is said of it still lacks its place."""

    blocks: tuple[Block, ...]
    lost: tuple[str, ...]
    degraded: tuple[str, ...]


def lay_out(slip: s.Slip, width_dots: int, safe: Callable[[str], str] = str) -> Layout:
    """Lay a slip out for a width in dots; `safe` makes texts harmless before they are measured, where markup needs it."""
    blocks: list[Block] = []
    lost: list[str] = []
    degraded = list(slip.notes)
    for n, element in enumerate(slip.elements):
        part = lay_element(element, width_dots, safe)
        blocks += part.blocks
        if part.lost:
            lost += place(n, part.lost)
        if part.degraded:
            degraded += place(n, part.degraded)
    return Layout(tuple(blocks), tuple(lost), tuple(degraded))


def lay_element(element: s.Element, width_dots: int, safe: Callable[[str], str] = str) -> Part:
    """Lay one element out. Texts are kept: those of a batch are the same all day, codes differ from slip to slip."""
    return (fresh if isinstance(element, VARYING) else _kept)(element, width_dots, safe)


def fresh(element: s.Element, width_dots: int, safe: Callable[[str], str] = str) -> Part:
    """Lay one element out and keep nothing, for whoever keeps what he makes of it."""
    work = _Work(width_dots, safe)
    _ADD[type(element)](work, element)
    return Part(tuple(work.blocks), tuple(work.lost), tuple(work.degraded))


_kept = lru_cache(maxsize=512)(fresh)


def place(n: int, notes: Sequence[str]) -> list[str]:
    """Say of which element something is said."""
    return [f"elements[{n}]: {note}" for note in notes]


class _Work:
    """Lays one element out: its blocks and what is to be said."""

    __slots__ = ("blocks", "columns", "degraded", "dots", "lost", "safe")

    def __init__(self, dots: int, safe: Callable[[str], str]) -> None:
        self.dots, self.columns, self.safe = dots, dots // COLUMN, safe
        self.blocks: list[Block] = []
        self.lost: list[str] = []
        self.degraded: list[str] = []

    def simple(self, e: s.Logo | s.Feed | s.Cut | s.Drawer) -> None:
        """Add what is one block as it is."""
        match e:
            case s.Logo():
                self.blocks.append(LogoBlock(e.name))
            case s.Feed():
                self.blocks.append(FeedBlock(e.lines))
            case s.Cut():
                self.blocks.append(CutBlock(e.kind))
            case s.Drawer():
                self.blocks.append(DrawerBlock(e.pin))

    def rule(self, e: s.Rule) -> None:
        """Add a line across the paper."""
        char = self.safe(e.char)
        self.blocks.append(Line(char * (self.columns // col.columns(char))))

    def _clean(self, text: str) -> str:
        made = col.clean(text)
        if made.lost:
            shown = " ".join(f"{c} (U+{ord(c):04X})" for c in made.lost)
            self.lost.append(f"printers have no {shown}; {col.LOST} stands for it.")
        if made.unseen:
            self.degraded.append(
                f"control characters and others without a shape are left out ({made.unseen})."
            )
        return self.safe(made.text)

    def text(self, e: s.Text) -> None:
        """Add a paragraph; one that fits its line, as most do, is measured once and never broken."""
        limit = self.columns // e.width
        wide = col.plain(e.text) if self.safe is str else None
        if wide is not None and wide <= limit:
            self.blocks.append(Line(e.text, e.align, e.width, e.height, e.bold, e.underline))
            return
        text = self._clean(e.text)
        lines = (
            [line for part in text.split("\n") for line in _balanced(part, limit)]
            if e.align == "center"
            else col.wrap(text, limit)
        )
        for line in lines:
            self.blocks.append(Line(line, e.align, e.width, e.height, e.bold, e.underline))

    def row(self, e: s.Row) -> None:
        """Add cells side by side; where each fits as it is, as most do, none is broken."""
        asked = [c.columns for c in e.cells]
        if self.safe is str and min(asked) > 1 and sum(asked) <= self.columns:
            widths = self._stretched(asked) if e.stretch else asked
            if (line := _in_one_line(e.cells, widths)) is not None:
                self.blocks.append(Line(line, bold=e.bold))
                return
        self._broken(e, asked)

    def _broken(self, e: s.Row, asked: list[int]) -> None:
        texts = [self._clean(c.text) for c in e.cells]
        # A cell of one column cannot hold a character of two: it takes two.
        widths = [
            2 if w == 1 and any(map(_is_wide, text)) else w for w, text in zip(asked, texts, strict=True)
        ]
        if e.stretch and sum(widths) < self.columns:
            widths = self._stretched(widths)
        elif sum(widths) > self.columns:
            widths = self._squeezed(widths)
            self.degraded.append(
                f"{sum(asked)} columns were asked for, the paper has {self.columns}; cells are narrower."
            )
        elif widths != asked:
            self.degraded.append("a cell of 1 column is 2 wide, as its characters are.")
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

    def qr(self, e: s.Qr) -> None:
        """Add a QR code whose modules are as large as fits.

        One with control characters is left out: a printer without QR codes would take its content for commands.
        """
        if _CONTROL.search(e.data):
            self.lost.append("a QR code with control characters is left out; a link or a code has none.")
            return
        try:
            side = qr.side(e.data, e.level)
        except ValueError as err:
            self.lost.append(f"{err}.")
            return
        most = self.dots // (side + 2 * qr.QUIET)
        if most < MODULE_FLOOR:
            self.lost.append(
                f"{len(e.data)} characters need a QR code whose modules have {most} dots; phones read {MODULE_FLOOR} and more."
            )
            return
        asked = e.module or MODULE_MOST
        module = max(MODULE_FLOOR, min(asked, most))
        if e.module is not None and module != asked:
            why = "do not fit" if module < asked else "cannot be read by phones"
            self.degraded.append(f"modules of {asked} dots {why}, {module} are used.")
        if module < MODULE_WARN:
            self.degraded.append(f"modules have {module} dots; {MODULE_WARN} and more read well.")
        self.blocks.append(QrBlock(e.data, e.level, module))

    def bar(self, e: s.Code128) -> None:
        """Add a barcode where it fits, and its text."""
        modules = bar_modules(e.data)
        module = next((m for m in (3, 2) if (modules + 20) * m <= self.dots), 0)
        if module == 0:
            self.lost.append(
                f"the barcode {e.data!r} needs {(modules + 20) * 2} dots, the paper has {self.dots}; its text is printed alone."
            )
        else:
            self.blocks.append(BarBlock(e.data, module, e.height, modules * module))
        if e.text or module == 0:
            lines = col.wrap(self.safe(readable(e.data)), self.columns)
            self.blocks += [Line(line, "center") for line in lines]


_ADD: dict[type, Callable[[_Work, Any], None]] = {
    s.Text: _Work.text,
    s.Row: _Work.row,
    s.Rule: _Work.rule,
    s.Qr: _Work.qr,
    s.Code128: _Work.bar,
    **dict.fromkeys((s.Logo, s.Feed, s.Cut, s.Drawer), _Work.simple),
}


def _in_one_line(cells: Sequence[s.Cell], widths: Sequence[int]) -> str | None:
    """Return the line of a row whose texts all fit as they are; None when one does not."""
    parts = []
    for cell, room in zip(cells, widths, strict=True):
        wide = col.plain(cell.text)
        if wide is None or wide > room:
            return None
        parts.append(col.filled(cell.text, room - wide, cell.align))
    return "".join(parts).rstrip()


def _balanced(text: str, limit: int) -> list[str]:
    """Break a centred text where its sense breaks, else into lines of like length: no last character stands alone."""
    lines = col.wrap(text, limit)
    if len(lines) == 1:
        return lines
    if len(lines) == 2 and (halves := _halves(text, limit)) is not None:
        return halves
    for less in range(limit - 1, limit // 2, -1):
        closer = col.wrap(text, less)
        if len(closer) > len(lines):
            break
        lines = closer
        if all(line.endswith(ENDS) for line in lines):
            break
    return lines


def _halves(text: str, limit: int) -> list[str] | None:
    """Return two lines of which the first ends a clause, as alike in length as they come; None where neither is a third."""
    best, fair = None, 2 * col.columns(text) / 3
    for end in _CLAUSE.finditer(text):
        halves = [text[: end.end()].rstrip(), text[end.end() :].lstrip()]
        longer = max(map(col.columns, halves))
        if longer <= limit and longer <= fair:
            best, fair = halves, longer
    return best


def _is_wide(char: str) -> bool:
    return col.width(char) == 2


def readable(data: str) -> str:
    """Return a code in groups of four, as people read and type it."""
    return " ".join(data[i : i + 4] for i in range(0, len(data), 4)) if " " not in data else data


def bar_modules(data: str) -> int:
    """Return the modules of a CODE128 barcode: 11 a symbol and 2 for the last bar; start, check and stop included."""
    pairs, single = divmod(len(data), 2)
    if not data.isdigit() or (single and len(data) <= 3):
        symbols = len(data)
    else:
        symbols = pairs + 2 * single  # an odd digit stands in subset B, behind a change of subset
    return 11 * (symbols + 3) + 2
