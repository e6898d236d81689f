"""DWIN (迪文) DGUS panels: 5A A5, length, 82, address, data.

Bytes: write 82 and page 0084 = 5A01 as the T5L DGUS II guide and ten public drivers have them; a write is answered by
`5A A5 03 82 4F 4B`. A code of at most 458 bytes, ended by FF FF, is what the QR control of the sister family TGUS takes
(en.shtdo.com, "QR code"): the length is not confirmed for DGUS. The panel needs a project whose QR control and text
controls read the addresses that the address names (`code=0x1000`, `line=0x1200`, the next line `step=0x40` words on).
"""

from __future__ import annotations

from kiosk.hardware.displays.language import Base, Reply, Step, number
from kiosk.hardware.ports import QrCapability

HEAD = b"\x5a\xa5"
WRITE = 0x82
PAGE = 0x0084
DONE = HEAD + b"\x03\x82OK"
END = b"\xff\xff"
CHUNK = 240
"""Bytes of data in one frame, an even number: the length byte counts up to 255 and the buffer of the panel is not larger."""
LINES, COLUMNS = 3, 40


class Dwin(Base):
    """The language."""

    name = "dwin"
    source = "T5L DGUS II guide and ten public drivers; the length of a code from TGUS"
    baud = 115200
    qr = QrCapability(458, "L")
    """458 bytes are what version 14 holds at level L, and 73 modules are its side (ISO/IEC 18004, table 7)."""
    options = ("text", "code", "line", "step", "page")
    texts = ("gb18030", "ascii")

    def __init__(self, what: str, options: dict[str, str]) -> None:
        super().__init__(what, options)
        self._code = number(what, options, "code", 0x1000, 0, 0xFEFF)
        self._line = number(what, options, "line", 0x1200, 0, 0xFEFF)
        self._step = number(what, options, "step", 0x40, 0x15, 0x400)
        self._page = number(what, options, "page", -1, -1, 0xFFFF)

    def hello(self, brightness: int) -> list[Step]:
        """Show the page; the brightness is left as the project has it, since makers' sheets differ."""
        return self._write(PAGE, b"\x5a\x01" + self._page.to_bytes(2, "big")) if self._page >= 0 else []

    def show(self, data: str, lines: tuple[str, ...]) -> list[Step]:
        """Write the code and the lines."""
        told = (*lines[:LINES], *[""] * (LINES - len(lines)))
        steps = self._write(self._code, data.encode("ascii") + END)
        for n, line in enumerate(told):
            steps += self._write(self._line + n * self._step, self.encode(line, COLUMNS) + END)
        return steps

    def bye(self) -> list[Step]:
        """Empty it."""
        return self.show("", ())

    def read(self, heard: bytes) -> Reply:
        """Read the acknowledgement."""
        return Reply("yes") if DONE in heard else Reply("nothing yet")

    def _write(self, at: int, data: bytes) -> list[Step]:
        """Return the frames that write data from a word address on."""
        data += b"\xff" * (len(data) % 2)
        steps = []
        for start in range(0, len(data), CHUNK):
            part = bytes([WRITE]) + (at + start // 2).to_bytes(2, "big") + data[start : start + CHUNK]
            steps.append(Step(HEAD + bytes([len(part)]) + part, answered=True))
        return steps
