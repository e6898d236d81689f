"""Scanner modules that read when told to: the commands, and the answers taken out of the bytes. Pure.

GM65 family: bytes of the vendor's manual as ten public drivers have them (facts: edge 3(e)): `7E 00 08 01 00 02 01 AB CD`
starts a reading (register 0002, bit 0), `AB CD` standing for "checksum not checked"; the module answers
`02 00 00 01 00 33 31` before the code. Honeywell command style: SYN T CR starts, SYN U CR ends (manuals of three makes).
"""

from __future__ import annotations

import msgspec


class Trigger(msgspec.Struct, frozen=True):
    """How one family is told to read."""

    name: str
    on: bytes
    off: bytes
    answer: bytes = b""
    """What it answers before the code; empty where it answers nothing."""
    every_s: float = 3.0
    """Readings end by themselves after some seconds; asking again this often keeps the scanner reading."""


GM65 = Trigger(
    "gm65",
    bytes.fromhex("7e000801000201abcd"),
    bytes.fromhex("7e000801000200abcd"),
    bytes.fromhex("02000001003331"),
)
HONEYWELL = Trigger("honeywell", b"\x16T\r", b"\x16U\r")
TRIGGERS = {t.name: t for t in (GM65, HONEYWELL)}


class Answers:
    """Takes the answers to triggers out of a stream of codes."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._rest = b""
        self.count = 0

    def feed(self, data: bytes) -> bytes:
        """Take bytes and return those that belong to codes; the beginning of an answer is held back."""
        if not self._answer:
            return data
        data = self._rest + data
        parts = data.split(self._answer)
        self.count += len(parts) - 1
        kept = b"".join(parts)
        held = next(
            (
                n
                for n in range(min(len(self._answer) - 1, len(parts[-1])), 0, -1)
                if kept.endswith(self._answer[:n])
            ),
            0,
        )
        self._rest = kept[len(kept) - held :] if held else b""
        return kept[: len(kept) - held] if held else kept
