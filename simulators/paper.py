"""ESC/POS as a printer understands it: bytes -> lines, codes, rasters; independent of what wrote them.

Commands: Epson's ESC/POS reference (ESC @ a E - d J p ! 3 M t, GS ! h w H f V k v 0 ( k r, FS & . - !, DLE EOT). What a
real printer does with wrong bytes (prints rubbish, or nothing) is an entry of `errors` here. `Printed.picture` draws it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulators.paper_dots import SPACING, BlockOp, FeedOp, LineOp, Op, Run, picture
from ui.codes import CODE_B, CODE_C, START_B, START_C, STOP

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass
class Printed:
    """One slip, from one cut (or end of connection) to the next."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    qr: list[dict[str, Any]] = field(default_factory=list)
    barcodes: list[dict[str, Any]] = field(default_factory=list)
    rasters: list[tuple[int, int, bytes]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    drawer: int = 0
    cut: str = ""
    size: int = 0
    ops: list[Op] = field(default_factory=list)
    pulses: list[tuple[int, int, int]] = field(default_factory=list)
    """Drawer pulses: connector (0 is pin 2), milliseconds on, milliseconds off."""

    def picture(self, width_dots: int = 384) -> Image:
        """Draw the slip as the paper shows it."""
        return picture(self.ops, width_dots)

    @property
    def text(self) -> str:
        """Return the text of the slip."""
        return "\n".join(line["text"] for line in self.lines)

    def as_json(self) -> dict[str, Any]:
        """Return what /_sim/state shows."""
        return {
            "text": self.text, "lines": self.lines, "qr": self.qr, "barcodes": self.barcodes, "errors": self.errors, "drawer": self.drawer,
            "cut": self.cut, "bytes": self.size, "rasters": [{"width": w * 8, "height": h} for w, h, _ in self.rasters],
        }  # fmt: skip

    @property
    def empty(self) -> bool:
        """Tell whether anything was printed."""
        return not (self.qr or self.barcodes or self.rasters or self.text.strip())


_SKIP = {
    b"\x1bM": 1,
    b"\x1bt": 1,
    b"\x1b!": 1,
    b"\x1dL": 2,
    b"\x1df": 1,
    b"\x1c!": 1,
    b"\x1dB": 1,
    b"\x1b ": 1,
}


class Interpreter:
    """Eats bytes as they come; a command may be split anywhere."""

    def __init__(self, width_dots: int = 384) -> None:
        self.width_dots = width_dots
        self.slips: list[Printed] = []
        self.answers = bytearray()
        """What the printer says back to queued requests (`GS r`)."""
        self._rest = b""
        self._job = bytearray()
        self._slip = Printed()
        self._reset()

    def _reset(self) -> None:
        self._runs: list[tuple[bytes, dict[str, Any]]] = []
        self._spacing = SPACING
        self._chinese = False
        self._style: dict[str, Any] = {
            "align": "left",
            "width": 1,
            "height": 1,
            "bold": False,
            "underline": False,
        }
        self._bar = {"height": 162, "module": 3}
        self._qr: dict[str, Any] = {"module": 3, "level": "L", "data": b""}

    def feed(self, data: bytes) -> None:
        """Take bytes."""
        self._slip.size += len(data)
        self._rest += data
        while self._rest:
            used = self._step(self._rest)
            if used == 0:
                return
            if self._rest[:2] not in (b"\x10\x04", b"\x1dr"):
                self._job += self._rest[:used]
            self._rest = self._rest[used:]

    def take_job(self) -> bytes:
        """Return what was sent since the last call, questions left out."""
        job, self._job = bytes(self._job), bytearray()
        return job

    def end(self) -> None:
        """End the slip without a cut, as when the connection ends."""
        if not self._at_start:
            self._flush()
        if not self._slip.empty:
            self.slips.append(self._slip)
        self._slip = Printed()

    @property
    def _at_start(self) -> bool:
        """Tell whether the print position stands at the beginning of a line."""
        return not self._runs

    def _put(self, raw: bytes) -> None:
        """Add characters to the line."""
        if self._runs and self._runs[-1][1] == self._style:
            self._runs[-1] = (self._runs[-1][0] + raw, self._runs[-1][1])
        else:
            self._runs.append((raw, dict(self._style)))

    def _decode(self, raw: bytes) -> str:
        text = raw.decode("gbk", "replace") if self._chinese else raw.decode("cp437")
        if "\ufffd" in text:
            self._slip.errors.append(f"bytes that are no GBK: {raw.hex()}")
        return text

    def _flush(self) -> None:
        """Print the line and feed."""
        told = [(self._decode(raw), style) for raw, style in self._runs]
        style = told[0][1] if told else self._style
        text = "".join(part for part, _ in told)
        used = sum(_columns(part) * s["width"] for part, s in told)
        if used * 12 > self.width_dots:
            self._slip.errors.append(f"a line of {used} columns is wider than the paper: {text!r}")
        self._slip.lines.append({"text": text, **style})
        runs = tuple(Run(part, s["width"], s["height"], s["bold"], s["underline"]) for part, s in told)
        self._slip.ops.append(LineOp(runs, self._style["align"]))
        self._runs = []

    def _block(self, kind: str, what: dict[str, Any]) -> None:
        if not self._at_start:
            self._flush()
        self._slip.ops.append(BlockOp(kind, what, self._style["align"]))

    def _step(self, b: bytes) -> int:
        """Do one command or character; return the bytes used, 0 when more are needed."""
        first = b[0]
        if first == 0x0A:
            self._flush()
            return 1
        if first in (0x1B, 0x1D, 0x1C, 0x10):
            return self._command(b)
        if first == 0:
            return 1  # NUL is no character: what closes a torn command
        if first < 0x20 or first == 0x7F:
            self._slip.errors.append(f"control byte {first:02x} in text")
            return 1
        if first >= 0x80 and self._chinese:
            if len(b) < 2:
                return 0
            self._put(b[:2])
            return 2
        self._put(b[:1])
        return 1

    def _command(self, b: bytes) -> int:
        if len(b) < 2:
            return 0
        head = b[:2]
        if head in _SKIP:
            return 2 + _SKIP[head] if len(b) >= 2 + _SKIP[head] else 0
        handler = _HANDLERS.get(head)
        if handler is None:
            self._slip.errors.append(f"unknown command {head.hex()}")
            return 2
        return int(getattr(self, handler)(b))

    def _init(self, b: bytes) -> int:
        self._reset()
        return 2

    def _kanji_on(self, b: bytes) -> int:
        self._chinese = True
        return 2

    def _kanji_off(self, b: bytes) -> int:
        self._chinese = False
        return 2

    def _one(self, b: bytes, name: str, value: Any) -> int:
        if len(b) < 3:
            return 0
        self._style[name] = value(b[2])
        return 3

    def _align(self, b: bytes) -> int:
        if len(b) >= 3 and not self._at_start:
            self._slip.errors.append("alignment in the middle of a line is ignored")
            return 3
        return self._one(b, "align", lambda n: {0: "left", 1: "center", 2: "right"}.get(n & 3, "left"))

    def _bold(self, b: bytes) -> int:
        return self._one(b, "bold", bool)

    def _under(self, b: bytes) -> int:
        return self._one(b, "underline", bool)

    def _size(self, b: bytes) -> int:
        if len(b) < 3:
            return 0
        self._style["width"], self._style["height"] = (b[2] >> 4) + 1, (b[2] & 15) + 1
        return 3

    def _feed_lines(self, b: bytes) -> int:
        if len(b) < 3:
            return 0
        if not self._at_start:
            self._flush()
        self._slip.lines += [{"text": "", **self._style} for _ in range(b[2])]
        self._slip.ops.append(FeedOp(self._spacing * b[2]))
        return 3

    def _feed_dots(self, b: bytes) -> int:
        if len(b) < 3:
            return 0
        if not self._at_start:
            self._flush()
        self._slip.ops.append(FeedOp(b[2]))
        return 3

    def _line_spacing(self, b: bytes) -> int:
        if b[1:2] == b"2":
            self._spacing = SPACING
            return 2
        if len(b) < 3:
            return 0
        self._spacing = b[2]
        return 3

    def _drawer(self, b: bytes) -> int:
        if len(b) < 5:
            return 0
        self._slip.drawer += 1
        self._slip.pulses.append((b[2] & 1, b[3] * 2, b[4] * 2))
        return 5

    def _bar_height(self, b: bytes) -> int:
        if len(b) < 3:
            return 0
        self._bar["height"] = b[2]
        return 3

    def _bar_width(self, b: bytes) -> int:
        if len(b) < 3:
            return 0
        self._bar["module"] = b[2]
        return 3

    def _hri(self, b: bytes) -> int:
        return 3 if len(b) >= 3 else 0

    def _barcode(self, b: bytes) -> int:
        if len(b) < 4 or len(b) < 4 + b[3]:
            return 0
        if b[2] != 73:
            self._slip.errors.append(f"barcode type {b[2]} is not CODE128")
        text, symbols = self._code128(b[4 : 4 + b[3]])
        self._slip.barcodes.append({"data": text, **self._bar})
        module = self._bar["module"]
        if (len(symbols) * 11 + 2) * module > self.width_dots:
            self._slip.errors.append(f"the barcode {text!r} is wider than the paper: nothing is printed")
        else:
            self._block("bars", {"symbols": symbols, **self._bar})
        return 4 + b[3]

    def _code128(self, data: bytes) -> tuple[str, list[int]]:
        """Return the text of GS k 73 and its symbols, check and stop included."""
        text, symbols, subset, i = "", [], "", 0
        while i < len(data):
            pair = data[i : i + 2]
            if pair in (b"{B", b"{C"):
                start, shift = (START_B, CODE_B) if pair == b"{B" else (START_C, CODE_C)
                symbols.append(shift if subset else start)
                subset = pair[1:].decode()
                i += 2
                continue
            if subset == "C":
                if data[i] > 99:
                    self._slip.errors.append(f"{data[i]} is no pair of digits")
                text += f"{data[i]:02}"
                symbols.append(data[i])
            else:
                text += chr(data[i])
                symbols.append((data[i] - 32) % 128)
            i += 2 if pair == b"{{" and subset == "B" else 1
        if not symbols or symbols[0] not in (START_B, START_C):
            self._slip.errors.append("CODE128 without a subset")
            return text, [STOP]
        check = (symbols[0] + sum(n * s for n, s in enumerate(symbols[1:], 1))) % 103
        return text, [*symbols, check, STOP]

    def _raster(self, b: bytes) -> int:
        if len(b) < 8:
            return 0
        wide, high = int.from_bytes(b[4:6], "little"), int.from_bytes(b[6:8], "little")
        if len(b) < 8 + wide * high:
            return 0
        if high > 256:
            self._slip.errors.append(f"raster of {high} rows; small printers buffer 256")
        if wide * 8 > self.width_dots:
            self._slip.errors.append(f"a raster of {wide * 8} dots is wider than the paper")
        self._slip.rasters.append((wide, high, b[8 : 8 + wide * high]))
        self._block("raster", {"wide": wide, "high": high, "data": b[8 : 8 + wide * high]})
        return 8 + wide * high

    def _symbol(self, b: bytes) -> int:
        if len(b) < 5:
            return 0
        size = int.from_bytes(b[3:5], "little")
        if len(b) < 5 + size:
            return 0
        body = b[5 : 5 + size]
        what = body[1]
        if what == 67:
            self._qr["module"] = body[2]
        elif what == 69:
            self._qr["level"] = {48: "L", 49: "M", 50: "Q", 51: "H"}.get(body[2], "?")
        elif what == 80:
            self._qr["data"] = body[3:]
        elif what == 81:
            made = {**self._qr, "data": self._qr["data"].decode("utf-8", "replace")}
            self._slip.qr.append(made)
            self._block("qr", made)
        return 5 + size

    def _cut(self, b: bytes) -> int:
        if len(b) < 3:
            return 0
        size = 4 if b[2] in (65, 66) else 3
        if len(b) < size:
            return 0
        if not self._at_start:
            self._slip.errors.append("cut in the middle of a line is ignored")
            return size
        self._slip.cut = "full" if b[2] in (0, 48, 65) else "partial"
        self.slips.append(self._slip)
        self._slip = Printed()
        return size

    def _status(self, b: bytes) -> int:
        if len(b) < 3:
            return 0
        self.answers += b"\x00"
        return 3

    def _realtime(self, b: bytes) -> int:
        return 3 if len(b) >= 3 else 0


def _columns(text: str) -> int:
    return sum(1 if c.isascii() else 2 for c in text)


_HANDLERS = {
    b"\x1b@": "_init", b"\x1ba": "_align", b"\x1bE": "_bold", b"\x1b-": "_under", b"\x1bd": "_feed_lines", b"\x1bJ": "_feed_dots",
    b"\x1b2": "_line_spacing", b"\x1b3": "_line_spacing", b"\x1bp": "_drawer", b"\x1d!": "_size", b"\x1dh": "_bar_height", b"\x1dw": "_bar_width", b"\x1dH": "_hri", b"\x1dk": "_barcode",
    b"\x1dv": "_raster", b"\x1d(": "_symbol", b"\x1dV": "_cut", b"\x1dr": "_status", b"\x1c&": "_kanji_on", b"\x1c.": "_kanji_off",
    b"\x1c-": "_hri", b"\x10\x04": "_realtime",
}  # fmt: skip
