"""QR-VIEW-type boxes: ASCII commands, each ended by `;`, the line by CR LF, at 115200 baud.

Bytes: `JUMP(1);QBAR(0,<code>);SET_TXT(0,<text>);...` as four public drivers send them, two of which quote the maker's
sheet; `BL(0..255)` sets the brightness, `JUMP(0)` shows the idle picture. The boxes answer nothing. The makers give no
greatest length; 300 bytes is what drivers send (EMV payment codes) and no more is promised.
"""

from __future__ import annotations

from kiosk.hardware.displays.language import Base, Step
from kiosk.hardware.ports import QrCapability

SLOTS = 3
COLUMNS = 32
FORBIDDEN = str.maketrans(dict.fromkeys(";(),", " "))
"""They end a command. A text does without them, a code that has one is refused."""


class QrView(Base):
    """The language."""

    name = "qrview"
    source = "four public drivers that agree, two quoting the maker's sheet"
    experimental = False
    baud = 115200
    qr = QrCapability(300)
    texts = ("ascii", "gb18030", "gb2312")

    def hello(self, brightness: int) -> list[Step]:
        """Set the brightness."""
        return [self._line(f"BL({round(brightness * 255 / 100)});")]

    def show(self, data: str, lines: tuple[str, ...]) -> list[Step]:
        """Show a code with up to three lines; without a code the idle picture, which has no room for text."""
        if not data:
            return self.bye()
        told = (*lines[:SLOTS], *[""] * (SLOTS - len(lines)))
        words = [f"JUMP(1);QBAR(0,{data});"]
        raw = words[0].encode("ascii") + b"".join(
            f"SET_TXT({n},".encode() + self._text(line) + b");" for n, line in enumerate(told)
        )
        return [Step(raw + b"\r\n", pause_s=0.1)]

    def bye(self) -> list[Step]:
        """Show the idle picture."""
        return [self._line("JUMP(0);")]

    def refuses(self, data: str) -> str:
        """Refuse what would end the command."""
        if data.translate(FORBIDDEN) != data:
            return "the code has one of ; ( ) , which this display takes for commands."
        return super().refuses(data)

    def _text(self, line: str) -> bytes:
        """Encode a line; the boxes' character set for Chinese is not documented, so ASCII leaves it out."""
        if self.text == "ascii":
            line = "".join(c for c in line if c.isascii())
        return self.encode(line.translate(FORBIDDEN).strip(), COLUMNS)

    def _line(self, words: str) -> Step:
        return Step(words.encode("ascii") + b"\r\n", pause_s=0.1)
