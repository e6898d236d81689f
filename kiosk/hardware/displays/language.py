"""What a family of displays understands. Pure: a language turns a view into bytes and reads answers; it sends nothing."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from kiosk.hardware.ports import HardwareError, Level, QrCapability

WIDEST = 60
"""Columns of the widest line; no panel shows more."""
Said = Literal["nothing yet", "yes", "no"]


class Step(msgspec.Struct, frozen=True):
    """Bytes to send, how long to leave the display alone afterwards, and whether it answers them."""

    data: bytes
    pause_s: float = 0.0
    answered: bool = False


class Reply(msgspec.Struct, frozen=True):
    """What a display has said so far to a step."""

    said: Said
    why: str = ""


class Language(Protocol):
    """One family."""

    name: str
    source: str
    """Where its bytes are from."""
    experimental: bool
    """True while nobody has seen these bytes work on a device of the family."""
    baud: int
    qr: QrCapability

    def hello(self, brightness: int) -> list[Step]:
        """Return what is sent after the display was opened; brightness is in per cent."""

    def show(self, data: str, lines: tuple[str, ...]) -> list[Step]:
        """Return what shows a code and text; an empty code shows text alone."""

    def bye(self) -> list[Step]:
        """Return what leaves nothing stale on the display."""

    def level(self, data: str) -> Level | None:
        """Return the level that a code is drawn with, where that is known or chosen here."""

    def refuses(self, data: str) -> str:
        """Say why a code cannot be shown; empty when it can."""

    def read(self, heard: bytes) -> Reply:
        """Read what the display has said since the step was sent."""


class Base:
    """What most families share."""

    name = ""
    source = ""
    experimental = True
    baud = 9600
    qr = QrCapability()
    options: tuple[str, ...] = ("text",)
    """Words that may follow the `?` of the address, besides `baud`."""
    texts: tuple[str, ...] = ("gb18030", "gb2312", "cp437", "cp858", "ascii")
    """Character sets; the first holds where the address names none."""

    def __init__(self, what: str, options: dict[str, str]) -> None:
        self.text = options.get("text", self.texts[0])
        if self.text not in self.texts:
            raise HardwareError(f"{what}: text={self.text} means nothing; there are {', '.join(self.texts)}.")

    def hello(self, brightness: int) -> list[Step]:
        """Send nothing."""
        return []

    def bye(self) -> list[Step]:
        """Send nothing."""
        return []

    def level(self, data: str) -> Level | None:
        """Return the level of the display's own."""
        return self.qr.level

    def refuses(self, data: str) -> str:
        """Refuse what is too long, or not printable ASCII: a link is never cut."""
        size = len(data.encode())
        if size > self.qr.max_bytes:
            return f"the code has {size} bytes and this display draws {self.qr.max_bytes} at most; shorten the hub's public_url."
        if not data.isascii() or not data.isprintable():
            return "the code has characters that this display cannot draw."
        return ""

    def read(self, heard: bytes) -> Reply:
        """Read nothing: this family is silent."""
        return Reply("nothing yet")

    def encode(self, text: str, width: int = WIDEST) -> bytes:
        """Encode a line, cut to columns; a Chinese character has two of both, bytes and columns, and is never cut in half.

        What the display's character set has not becomes `?`: GB18030 characters of four bytes are beyond any pole's font.
        Control characters go.
        """
        raw = b""
        for char in text:
            if not char.isprintable():
                continue
            cell = char.encode(self.text, "replace")
            cell = cell if len(cell) <= 2 else b"?"
            if len(raw) + len(cell) > width:
                break
            raw += cell
        return raw


def number(what: str, options: dict[str, str], word: str, default: int, least: int, most: int) -> int:
    """Read a whole number (decimal, or hexadecimal as 0x1000) among the options of an address."""
    text = options.get(word, str(default))
    try:
        value = int(text, 0)
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise HardwareError(f"{what}: {word}={text} is no whole number from {least} to {most}.")
    return value
