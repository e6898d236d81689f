"""TJC (淘晶驰) and Nextion panels: text statements ended by FF FF FF.

Bytes: the Nextion instruction set (nextion.tech/instruction-set: rules 1.1, 1.14 and 2.4 for quotes, `bkcmd`, `dim`, `page`;
return data 00 to 24). The panel needs a project with a QR component and text components; their names are options of the
address (`code=qr0`, `line=t` for t0 to t2, `page=`), `max=` is the txt_maxl that the project gives the QR component.

The component draws at a level of its own. With `draw=X,Y,SIDE` the kiosk draws the code itself into a square of so many pixels,
by `fill x,y,w,h,color` (rule 3 of the instruction set; ESPHome's nextion_commands.cpp sends the same), and chooses the level.
"""

from __future__ import annotations

import re

from kiosk.hardware.displays.drawn import Band, draw, most_bytes
from kiosk.hardware.displays.language import Base, Reply, Step, number
from kiosk.hardware.ports import LEVELS, HardwareError, Level, QrCapability

END = b"\xff\xff\xff"
LINES = 3
WHITE, BLACK = 0xFFFF, 0
"""RGB 565. A row of modules is at most 30 statements of some 22 bytes: less than the panel's buffer of 1,024 bytes."""
WORD = re.compile(r"^[A-Za-z_][A-Za-z0-9_.]{0,31}$")
WRONG = {
    0x00: "it does not understand the statement",
    0x02: "its project has no component of this name",
    0x03: "its project has no page of this name",
    0x1A: "its project has no variable of this name",
    0x1B: "the value does not fit the component",
    0x1C: "the value could not be assigned",
    0x1E: "it has too few or too many words",
    0x20: "it does not know an escape",
    0x23: "the name is too long",
    0x24: "its buffer is full; a part was lost",
}


class Tjc(Base):
    """The language."""

    name = "tjc"
    source = "the Nextion instruction set"
    baud = 9600
    qr = QrCapability(192, "L")
    """192 bytes, the most that the component takes by itself, are version 8 at level L (ISO/IEC 18004, table 7)."""
    options = ("text", "code", "line", "page", "max", "draw")
    texts = ("gb2312", "ascii")
    """In GB2312 no byte of a Chinese character is a quote or a backslash; in GBK some are."""

    def __init__(self, what: str, options: dict[str, str]) -> None:
        super().__init__(what, options)
        self._square = _square(what, options["draw"]) if "draw" in options else None
        if self._square:
            self.qr = QrCapability(most_bytes(self._square[2]), None, LEVELS)
        else:
            self.qr = QrCapability(number(what, options, "max", self.qr.max_bytes, 1, 1000), self.qr.level)
        self._code, self._line, self._page = (
            _word(what, options, word, default)
            for word, default in (("code", "qr0"), ("line", "t"), ("page", ""))
        )

    def hello(self, brightness: int) -> list[Step]:
        """End whatever was half sent, ask for answers, set the brightness, show the page."""
        words = ["bkcmd=3", f"dim={brightness}", *([f"page {self._page}"] if self._page else [])]
        return [Step(END, pause_s=0.05), *(self._say(w.encode()) for w in words)]

    def show(self, data: str, lines: tuple[str, ...]) -> list[Step]:
        """Set the code and the lines."""
        told = (*lines[:LINES], *[""] * (LINES - len(lines)))
        return [
            *self._picture(data),
            *(
                self._say(f'{self._line}{n}.txt="'.encode() + _escape(self.encode(t)) + b'"')
                for n, t in enumerate(told)
            ),
        ]

    def level(self, data: str) -> Level | None:
        """Return the level of the component, or the one that is chosen here."""
        return draw(data, self._square[2]).level if self._square and data else self.qr.level

    def bye(self) -> list[Step]:
        """Empty it."""
        return self.show("", ())

    def read(self, heard: bytes) -> Reply:
        """Read return data; what is not about the statement (touches, start-up) is passed over."""
        *frames, _ = heard.split(END)
        for frame in frames:
            if frame == b"\x01":
                return Reply("yes")
            if len(frame) == 1 and frame[0] in WRONG:
                return Reply("no", WRONG[frame[0]])
        return Reply("nothing yet")

    def _picture(self, data: str) -> list[Step]:
        """Set the component, or draw, a row of modules a step."""
        if self._square is None:
            return [self._say(f'{self._code}.txt="'.encode() + _escape(data.encode("ascii")) + b'"')]
        left, top, side = self._square
        bands = draw(data, side).bands if data else (Band(0, side),)
        return [
            self._together(
                f"fill {left},{top + b.y},{side},{b.height},{WHITE}",
                *(f"fill {left + x},{top + b.y},{w},{b.height},{BLACK}" for x, w in b.dark),
            )
            for b in bands
        ]

    def _together(self, *words: str) -> Step:
        """Send statements that are answered once: with `bkcmd=2` only what fails is told, and the last one asks for a yes."""
        return Step(b"".join(w.encode() + END for w in ("bkcmd=2", *words, "bkcmd=3")), answered=True)

    def _say(self, statement: bytes) -> Step:
        return Step(statement + END, answered=True)


def _escape(raw: bytes) -> bytes:
    """Escape an encoded text: in GB2312 no byte of a Chinese character is a quote or a backslash."""
    return raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


def _square(what: str, text: str) -> tuple[int, int, int]:
    """Read `X,Y,SIDE`."""
    parts = text.split(",")
    if (
        len(parts) != 3
        or not all(p.isdigit() and int(p) < 2000 for p in parts)
        or not most_bytes(int(parts[2]))
    ):
        raise HardwareError(
            f"{what}: draw={text} names no square with room for a code; write draw=X,Y,SIDE in pixels, such as draw=20,20,200."
        )
    return int(parts[0]), int(parts[1]), int(parts[2])


def _word(what: str, options: dict[str, str], word: str, default: str) -> str:
    chosen = options.get(word, default)
    if chosen and not WORD.match(chosen):
        raise HardwareError(
            f"{what}: {word}={chosen} is no name of a component or page, such as {default or 'main'}."
        )
    return chosen
