"""Mertech-type displays (QR-Pay): framed bytes at 115200 baud 8N1.

Bytes: `02 F2 02`, the length in two bytes (high first), the code, `02 F2 03`; `02 F0 03 43 4C 53 03` ("CLS") clears
(github.com/sergw3x/mertech_qr, main.go). That library always sends 00 as the high byte and the low byte of any length: what a
longer code would do is not known, so none above 255 bytes is sent. It answers something to a code, of no known meaning.
"""

from __future__ import annotations

from kiosk.hardware.displays.language import Base, Step
from kiosk.hardware.ports import QrCapability

HEAD, TAIL = b"\x02\xf2\x02", b"\x02\xf2\x03"
CLEAR = b"\x02\xf0\x03CLS\x03"


class Mertech(Base):
    """The language."""

    name = "mertech"
    source = "one public driver (sergw3x/mertech_qr)"
    baud = 115200
    qr = QrCapability(255)
    options = ()

    def hello(self, brightness: int) -> list[Step]:
        """Clear it; the brightness is not known to be settable."""
        return self.bye()

    def show(self, data: str, lines: tuple[str, ...]) -> list[Step]:
        """Show a code; there is no text."""
        raw = data.encode("ascii")
        return [Step(HEAD + len(raw).to_bytes(2, "big") + raw + TAIL, pause_s=0.1)] if raw else self.bye()

    def bye(self) -> list[Step]:
        """Clear it."""
        return [Step(CLEAR, pause_s=0.1)]
