"""Pole displays of two lines with twenty characters: CD5220 and Epson ESC/POS. They cannot draw a code.

CD5220 bytes: PTC's user manual of the CD5220 as batzlerg/cd5220 quotes it, the same in Bematech's LDX1000 manual (p. 50).
ESC/POS bytes: Epson command mode in POS-X' XP8200 manual (p. 12), the same in odoo-driver's display plug-in. A mode change
takes some 200 ms.
"""

from __future__ import annotations

from kiosk.hardware.displays.language import Base, Step
from kiosk.hardware.ports import HardwareError

ROWS, COLUMNS = 2, 20
SETTLE_S = 0.2
SELECT = {"oxhoo": b"\x02\x05C1\x03"}
"""Poles on the bridge 0416:F011/F012 (Oxhoo, Aures) are told their language first: STX ENQ C 1 ETX (odoo-driver)."""


class Pole(Base):
    """What both languages share."""

    experimental = False
    options = ("text", "select")
    start: bytes
    quarter: bytes
    """Sets the brightness, followed by 1 to 4."""
    no_cursor: bytes

    def __init__(self, what: str, options: dict[str, str]) -> None:
        super().__init__(what, options)
        chosen = options.get("select", "")
        if chosen and chosen not in SELECT:
            raise HardwareError(f"{what}: select={chosen} means nothing; there is {', '.join(SELECT)}.")
        self._select = SELECT.get(chosen, b"")

    def hello(self, brightness: int) -> list[Step]:
        """Choose the language where that is needed, initialise, set the brightness, hide the cursor."""
        level = max(1, round(brightness / 25))
        first = [Step(self._select, SETTLE_S)] if self._select else []
        return [*first, Step(self.start, SETTLE_S), Step(self.quarter + bytes([level]) + self.no_cursor)]

    def refuses(self, data: str) -> str:
        """Refuse nothing: a code is left out."""
        return ""

    def rows(self, lines: tuple[str, ...]) -> list[bytes]:
        """Return the two rows, twenty columns each."""
        told = (*lines[:ROWS], *[""] * (ROWS - len(lines)))
        return [self.encode(line, COLUMNS).ljust(COLUMNS) for line in told]


class Cd5220(Pole):
    """The CD5220 command set."""

    name = "cd5220"
    source = "PTC's CD5220 manual, Bematech's LDX1000 manual"
    start, quarter, no_cursor = b"\x1b@", b"\x1b*", b"\x1b_\x00"

    def show(self, data: str, lines: tuple[str, ...]) -> list[Step]:
        """Leave the string mode, write each row as a string."""
        upper, lower = self.rows(lines)
        return [Step(b"\x0c"), Step(b"\x1bQA" + upper + b"\r"), Step(b"\x1bQB" + lower + b"\r")]

    def bye(self) -> list[Step]:
        """Clear it."""
        return [Step(b"\x0c")]


class EscposPole(Pole):
    """Epson's command set."""

    name = "escpos-pole"
    source = "POS-X' XP8200 manual (Epson mode), odoo-driver"
    start, quarter, no_cursor = b"\x1b@", b"\x1fX", b"\x1fC\x00"

    def hello(self, brightness: int) -> list[Step]:
        """Initialise, and overwrite instead of scrolling."""
        return [*super().hello(brightness), Step(b"\x1f\x01", SETTLE_S)]

    def show(self, data: str, lines: tuple[str, ...]) -> list[Step]:
        """Write each row from its first column."""
        upper, lower = self.rows(lines)
        return [Step(b"\x1f$\x01\x01" + upper), Step(b"\x1f$\x01\x02" + lower)]

    def bye(self) -> list[Step]:
        """Clear it."""
        return [Step(b"\x0c")]
