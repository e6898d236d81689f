"""Layout -> ESC/POS bytes: text is GBK after `FS &`.

python-escpos' own text path sends GB18030 without `FS &` and loses punctuation-only lines (facts: printing 2.3), and its
printer module costs 310 ms and leaves a temporary folder at import; its constants cost 9 ms and leave nothing. INIT and the
cuts come from them; a test holds every other command here against them too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct

from kiosk.printing import layout as lay
from kiosk.printing.pictures import Picture, Pictures, picture_of
from kiosk.printing.profiles import Profile
from kiosk.printing.report import Rendered, Report
from kiosk.printing.slip import Code128, Element, Logo, Qr, Row, Rule, Slip, Text
from ui.codes import bars, modules

LF = b"\n"
CHINESE = b"\x1c&"  # FS &: two-byte mode; ESC @ falls back to the power-on setting, so it follows every ESC @
ALIGN = {"left": b"\x1ba\x00", "center": b"\x1ba\x01", "right": b"\x1ba\x02"}
BOLD = {True: b"\x1bE\x01", False: b"\x1bE\x00"}
UNDERLINE = {True: b"\x1b-\x01\x1c-\x01", False: b"\x1b-\x00\x1c-\x00"}  # ESC - for ASCII, FS - for Chinese
LEVELS = {"L": b"0", "M": b"1", "Q": b"2", "H": b"3"}
Style = tuple[str, int, int, bool, bool]
"""Alignment, width, height, bold, underlined."""
PLAIN: Style = ("left", 1, 1, False, False)
VARYING = (Qr, Code128, Logo)
"""Elements that are never the same twice, or that depend on more than themselves."""
IN_LINES = (Text, Row, Rule)
"""Elements that are lines of one style."""
PULSE = re.compile(rb"\x10\x14(?=\x01[\x00\x01][\x01-\x08]|\x02\x01\x08|\x08\x01\x03)")
"""DLE DC4 opens the drawer, switches off, forgets the job; some printers act on it among dots too: there a dot is added."""
NO_CUT = "this printer does not cut; tear the slip off."


@lru_cache(maxsize=1)
def _words() -> tuple[bytes, bytes, bytes]:
    """Return INIT, partial cut and full cut of python-escpos."""
    from escpos import constants

    return constants.HW_INIT, constants.PAPER_PART_CUT, constants.PAPER_FULL_CUT


class _Part(Struct, frozen=True):
    """One element as bytes: it begins and ends in the plain style, so that none leaks into the next."""

    data: bytes
    lost: tuple[str, ...]
    degraded: tuple[str, ...]
    missing: tuple[str, ...] = ()
    """What is lost for want of a picture."""
    told: tuple[str, ...] = ()
    """What is said of the printer, not of the element."""


def render(slip: Slip, profile: Profile, pictures: Pictures | None = None) -> Rendered:
    """Return the bytes of a slip, copies included."""
    head = _words()[0] + CHINESE
    if profile.text_mode == "graphic":
        return _graphic(slip, profile, pictures or {}, head)
    keep = _keeper(profile)
    out = [head]
    lost: list[str] = []
    degraded = list(slip.notes)
    for n, element in enumerate(slip.elements):
        # A look-up takes 1 us, a text of a batch anew 5 to 10.
        part = _write(element, profile, pictures) if isinstance(element, VARYING) else keep(element)
        out.append(part.data)
        if part.lost or part.degraded or part.missing or part.told:
            lost += [*lay.place(n, part.lost), *part.missing]
            degraded += [*lay.place(n, part.degraded), *part.told]
    report = Report(tuple(lost), tuple(degraded), profile.columns)
    return Rendered(b"".join(out) * slip.copies, report)


@lru_cache(maxsize=8)
def _keeper(profile: Profile) -> Callable[[Element], _Part]:
    """Return a writer for a profile that remembers what it has written."""
    return lru_cache(maxsize=512)(lambda element: _write(element, profile, None))


def _write(element: Element, profile: Profile, pictures: Pictures | None) -> _Part:
    laid = lay.fresh(element, profile.width_dots)
    if isinstance(element, IN_LINES):
        first = laid.blocks[0]
        assert isinstance(first, lay.Line)
        on, off = _around(_style_of(first), profile.hanzi_size)
        return _Part(on + _lines(laid.blocks) + off, laid.lost, laid.degraded)
    work = _Work(profile, pictures or {})
    for block in laid.blocks:
        work.add(block)
    work.plain()
    return _Part(bytes(work.out), laid.lost, laid.degraded, tuple(work.lost), tuple(work.told))


def _lines(blocks: Sequence[lay.Block]) -> bytes:
    """Return the lines of one element, which all have one style."""
    return b"".join(b.text.encode("gbk") + LF for b in blocks if isinstance(b, lay.Line))


def _style_of(line: lay.Line) -> Style:
    return line.align, line.width, line.height, line.bold, line.underline


class _Work:
    """Bytes so far, and the state that they have put the printer in."""

    __slots__ = ("_state", "lost", "out", "pictures", "profile", "told")

    def __init__(self, profile: Profile, pictures: Pictures) -> None:
        self.profile, self.pictures = profile, pictures
        self.out = bytearray()
        self.lost: list[str] = []
        self.told: list[str] = []
        self._state = PLAIN

    def _style(self, wanted: Style) -> None:
        """Send what differs: each command is two to five bytes, most lines need none."""
        if wanted != self._state:
            self.out += _change(self._state, wanted, self.profile.hanzi_size)
            self._state = wanted

    def plain(self) -> None:
        """Go back to the style that every block, and the next job, begins with."""
        self._style(PLAIN)

    def add(self, block: lay.Block) -> None:
        """Append one block."""
        if isinstance(block, lay.Line):
            self._style(_style_of(block))
            self.out += block.text.encode("gbk") + LF
            return
        self.plain()
        _ADD[type(block)](self, block)

    def _feed(self, block: lay.FeedBlock) -> None:
        self.out += b"\x1bd" + bytes([block.lines])

    def _drawer(self, block: lay.DrawerBlock) -> None:
        on, off = self.profile.drawer_on_ms // 2, self.profile.drawer_off_ms // 2  # the command counts 2 ms
        self.out += b"\x1bp" + bytes([0 if block.pin == 2 else 1, on, off])

    def _logo(self, block: lay.LogoBlock) -> None:
        found = picture_of(block.name, self.pictures)
        if isinstance(found, str):
            self.lost.append(found)
        else:
            self._raster(_across(found, self.profile.width_dots))

    def _qr(self, block: lay.QrBlock) -> None:
        self.out += b"\x1bJ" + bytes([lay.QUIET_DOTS])
        if self.profile.qr == "raster":
            self._raster(_qr_picture(block, self.profile.width_dots))
        else:
            self.out += ALIGN["center"] + _native_qr(block) + ALIGN["left"]
        self.out += b"\x1bJ" + bytes([lay.QUIET_DOTS])

    def _bar(self, block: lay.BarBlock) -> None:
        self.out += b"\x1bJ" + bytes([lay.QUIET_DOTS])
        if self.profile.code128 == "raster":
            self._raster(_bar_picture(block, self.profile.width_dots))
        else:
            data = _code128_data(block.data)
            self.out += (
                ALIGN["center"] + b"\x1dh" + bytes([block.height]) + b"\x1dw" + bytes([block.module])
                + b"\x1dH\x00\x1dkI" + bytes([len(data)]) + data + ALIGN["left"]
            )  # fmt: skip
        self.out += b"\x1bJ" + bytes([lay.BAR_GAP])

    def _raster(self, rows: list[bytes]) -> None:
        self.out += raster(rows, self.profile.strip_rows)

    def _cut(self, block: lay.CutBlock) -> None:
        if self.profile.feed_before_cut:
            self.out += b"\x1bd" + bytes([self.profile.feed_before_cut])
        if not self.profile.cut:
            self.told.append(NO_CUT)
            return
        _, part, full = _words()
        self.out += full if block.kind == "full" else part


_ADD: dict[type, Callable[[_Work, Any], None]] = {
    lay.QrBlock: _Work._qr,
    lay.BarBlock: _Work._bar,
    lay.FeedBlock: _Work._feed,
    lay.CutBlock: _Work._cut,
    lay.DrawerBlock: _Work._drawer,
    lay.LogoBlock: _Work._logo,
}


@lru_cache(maxsize=256)
def _change(now: Style, wanted: Style, hanzi_size: str) -> bytes:
    """Return the commands that lead from one style to another."""
    out = b""
    align, wide, high, bold, underline = wanted
    if align != now[0]:
        out += ALIGN[align]
    if (wide, high) != now[1:3]:
        out += b"\x1d!" + bytes([(wide - 1) << 4 | (high - 1)])
        if hanzi_size == "gs+fs":
            out += b"\x1c!" + bytes([(wide - 1) << 2 | (high - 1) << 3])
    if bold != now[3]:
        out += BOLD[bold]
    if underline != now[4]:
        out += UNDERLINE[underline]
    return out


@lru_cache(maxsize=64)
def _around(style: Style, hanzi_size: str) -> tuple[bytes, bytes]:
    """Return the commands into a style and back out of it."""
    return _change(PLAIN, style, hanzi_size), _change(style, PLAIN, hanzi_size)


def _native_qr(block: lay.QrBlock) -> bytes:
    """Return GS ( k for model 2: size, level, data, print."""
    data = block.data.encode("utf-8")
    size = len(data) + 3
    return (
        b"\x1d(k\x04\x001A2\x00"
        + b"\x1d(k\x03\x001C" + bytes([block.module])
        + b"\x1d(k\x03\x001E" + LEVELS[block.level]
        + b"\x1d(k" + size.to_bytes(2, "little") + b"1P0" + data
        + b"\x1d(k\x03\x001Q0"
    )  # fmt: skip


def _code128_data(text: str) -> bytes:
    """Return the data of GS k 73: subset C for pairs of digits, B otherwise; `{` is doubled."""
    if text.isdigit() and len(text) % 2 == 0:
        return b"{C" + bytes(int(text[i : i + 2]) for i in range(0, len(text), 2))
    if text.isdigit() and len(text) > 3:
        return (
            b"{C"
            + bytes(int(text[i : i + 2]) for i in range(0, len(text) - 1, 2))
            + b"{B"
            + text[-1].encode()
        )
    return b"{B" + text.replace("{", "{{").encode("ascii")


def raster(rows: list[bytes], strip: int) -> bytes:
    """Return GS v 0 in strips: each a whole command, so that a lost byte cannot swallow the slip."""
    out = bytearray()
    for top in range(0, len(rows), strip):
        part = rows[top : top + strip]
        out += (
            b"\x1dv0\x00"
            + len(part[0]).to_bytes(2, "little")
            + len(part).to_bytes(2, "little")
            + PULSE.sub(b"\x10\x16", b"".join(part))
        )
    return bytes(out)


def _qr_picture(block: lay.QrBlock, dots: int) -> list[bytes]:
    """Return a QR code as packed rows across the paper."""
    rows = modules(block.data, block.level)
    left = (dots - len(rows) * block.module) // 2
    out = []
    for row in rows:
        line = "0" * left + "".join(bit * block.module for bit in row)
        out += [_pack(line, dots)] * block.module
    return out


def _bar_picture(block: lay.BarBlock, dots: int) -> list[bytes]:
    """Return a barcode as packed rows across the paper."""
    line = ["0"] * dots
    left = (dots - block.dots) // 2
    for start, wide in bars(block.data):
        for x in range(left + start * block.module, left + (start + wide) * block.module):
            line[x] = "1"
    return [_pack("".join(line), dots)] * block.height


def _pack(line: str, dots: int) -> bytes:
    padded = line.ljust((dots + 7) // 8 * 8, "0")
    return int(padded, 2).to_bytes(len(padded) // 8, "big")


def _across(picture: Picture, dots: int) -> list[bytes]:
    """Return a picture as packed rows, centred on the paper."""
    shift = (dots - picture.width) // 2
    size, mine = (dots + 7) // 8, len(picture.rows[0]) * 8
    return [
        (int.from_bytes(row, "big") << size * 8 >> mine + shift).to_bytes(size, "big") for row in picture.rows
    ]


def _graphic(slip: Slip, profile: Profile, pictures: Pictures, head: bytes) -> Rendered:
    """Draw what is dots as pictures, for printers without a Chinese font."""
    from kiosk.printing import png

    laid = lay.lay_out(slip, profile.width_dots)
    work = _Work(profile, pictures)
    rows: list[bytes] = []
    total = 0
    with png.font_while_drawing():
        for block in (*laid.blocks, None):
            if block is None or isinstance(block, lay.CutBlock | lay.DrawerBlock):
                work.out += raster(rows, profile.strip_rows)
                total += len(rows)
                rows = []
                if block is not None:
                    work.add(block)
            elif (drawn := png.piece(block, profile, pictures, work.lost)) is not None:
                rows += png.packed_rows(drawn)
    report = Report((*laid.lost, *work.lost), (*laid.degraded, *work.told), profile.columns, total)
    return Rendered((head + bytes(work.out)) * slip.copies, report)
