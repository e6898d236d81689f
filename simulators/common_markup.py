"""The firmware's pen: styles, codes and raw bytes as ESC/POS. Bytes that are already commands pass, as on the real devices."""

from __future__ import annotations

from dataclasses import dataclass, replace

LOGO = b"\x1dv0\x00\x01\x00\x08\x00" + b"\xff" * 8
"""The stored picture: a black square of 8 dots."""


@dataclass(frozen=True)
class Style:
    """How text looks."""

    align: int = 0
    width: int = 1
    height: int = 1
    bold: bool = False


class Pen:
    """Writes ESC/POS. A style takes effect with the next character, so a line keeps the style of its text."""

    def __init__(self) -> None:
        self.out = bytearray()
        self._set = Style()
        self._stack: list[tuple[str, Style]] = []

    @property
    def style(self) -> Style:
        """Return the style of what comes next."""
        return self._stack[-1][1] if self._stack else Style()

    def open(self, tag: str, **change: int | bool) -> None:
        """Begin a tag."""
        self._stack.append((tag, replace(self.style, **change)))  # type: ignore[arg-type]

    def close(self, tag: str) -> bool:
        """End the innermost tag of that name; False when it was not open."""
        for i in range(len(self._stack) - 1, -1, -1):
            if self._stack[i][0] == tag:
                del self._stack[i]
                return True
        return False

    def text(self, text: str) -> None:
        """Write text in GBK; control bytes reach the print head."""
        if text:
            self._apply()
            self.out += text.encode("gbk", "replace")

    def line(self) -> None:
        """End the line."""
        self.out += b"\n"

    def raw(self, data: bytes) -> None:
        """Write a command."""
        self.out += data

    def qr(self, data: str) -> None:
        """Print a QR code, centred."""
        body = data.encode()
        size = (len(body) + 3).to_bytes(2, "little")
        self.raw(b"\x1d(k\x03\x001C\x06\x1d(k\x03\x001E1\x1d(k" + size + b"1P0" + body + b"\x1d(k\x03\x001Q0")

    def code128(self, subset: str, data: str) -> None:
        """Print a CODE128 barcode of one subset; C takes pairs of digits, an odd one goes on in B."""
        body = f"{{{subset}".encode()
        if subset == "C":
            even = len(data) // 2 * 2
            body += bytes(int(data[i : i + 2]) for i in range(0, even, 2))
            if even < len(data):
                body += b"{B" + data[even:].encode()
        else:
            body += data.encode()
        self.raw(b"\x1dw\x02\x1dkI" + bytes([len(body)]) + body)

    def cut(self, full: bool = False) -> None:
        """Feed and cut."""
        if self.out and not self.out.endswith(b"\n"):
            self.line()
        self.raw(b"\x1dV\x00" if full else b"\x1dV\x01")

    def _apply(self) -> None:
        new = self.style
        if new.align != self._set.align:
            self.out += b"\x1ba" + bytes([new.align])
        if (new.width, new.height) != (self._set.width, self._set.height):
            self.out += b"\x1d!" + bytes([(new.width - 1) << 4 | (new.height - 1)])
        if new.bold != self._set.bold:
            self.out += b"\x1bE" + bytes([new.bold])
        self._set = new
