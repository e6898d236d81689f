"""How small displays understand bytes, written from the makers' side: nothing here knows the kiosk's adapters."""

from __future__ import annotations

import re
from typing import Any, ClassVar

WIDTH, HEIGHT = 320, 240
"""Pixels of a TJC panel of 2.8 inches."""


class Panel:
    """A display. `code` and `lines` are what a customer sees; `complaints` what it did not understand."""

    def __init__(self) -> None:
        self.code = ""
        self.lines: list[str] = []
        self.brightness = -1
        self.page = ""
        self.complaints: list[str] = []
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """Take bytes and return what it answers."""
        raise NotImplementedError

    def forget(self) -> None:
        """Lose everything, as in a power cut."""
        self.__init__()  # type: ignore[misc]

    def state(self) -> dict[str, Any]:
        """Return what it shows."""
        return {
            "code": self.code,
            "lines": self.lines,
            "brightness": self.brightness,
            "page": self.page,
            "complaints": self.complaints[-10:],
        }


class QrView(Panel):
    """ASCII commands ended by `;`."""

    def feed(self, data: bytes) -> bytes:
        """Run the commands that are whole."""
        *commands, self._rest = (self._rest + data).replace(b"\r\n", b"").split(b";")
        for raw in commands:
            found = re.fullmatch(rb"([A-Z_]+)\((.*)\)", raw)
            if found is None:
                self.complaints.append(raw.decode("latin-1"))
                continue
            self._run(found[1].decode(), found[2].decode("gb18030", "replace"))
        return b""

    def _run(self, verb: str, words: str) -> None:
        if verb == "JUMP":
            self.page = words
            if words == "0":
                self.code, self.lines = "", []
        elif verb == "QBAR" and words.startswith("0,"):
            self.code = words[2:]
        elif verb == "SET_TXT":
            slot, _, text = words.partition(",")
            self.lines = [*self.lines, *[""] * (int(slot) + 1 - len(self.lines))]
            self.lines[int(slot)] = text
        elif verb == "BL":
            self.brightness = int(words)
        else:
            self.complaints.append(f"{verb}({words})")


class Mertech(Panel):
    """Frames that begin with STX F2 or STX F0."""

    def feed(self, data: bytes) -> bytes:
        """Run the frames that are whole."""
        self._rest += data
        while self._rest:
            if self._rest[:1] != b"\x02":
                self.complaints.append(self._rest[:1].hex())
                self._rest = self._rest[1:]
            elif self._rest[:3] == b"\x02\xf2\x02":
                if len(self._rest) < 5:
                    return b""
                size = int.from_bytes(self._rest[3:5], "big")
                if len(self._rest) < size + 8:
                    return b""
                if self._rest[5 + size : 8 + size] == b"\x02\xf2\x03":
                    self.code = self._rest[5 : 5 + size].decode("ascii")
                else:
                    self.complaints.append("a code without its tail")
                self._rest = self._rest[8 + size :]
            elif self._rest[:3] == b"\x02\xf0\x03":
                if (end := self._rest.find(b"\x03", 3)) < 0:
                    return b""
                if self._rest[3:end] == b"CLS":
                    self.code = ""
                else:
                    self.complaints.append(self._rest[3:end].decode("latin-1"))
                self._rest = self._rest[end + 1 :]
            else:
                return b""
        return b""


class Tjc(Panel):
    """Statements ended by three FF; answers as `bkcmd` says."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = ["", "", ""]
        self._bkcmd = 2
        self.canvas = bytearray(b"\xff" * WIDTH * HEIGHT)
        """What `fill` has painted, a byte a pixel: 0 black, 255 white."""

    def feed(self, data: bytes) -> bytes:
        """Run the statements that are whole."""
        *statements, self._rest = (self._rest + data).split(b"\xff\xff\xff")
        answers = b""
        for raw in statements:
            if not raw:
                continue
            code = self._run(raw)
            if code != 1:
                self.complaints.append(raw.decode("latin-1"))
            if self._bkcmd == 3 or (self._bkcmd == 2 and code != 1) or (self._bkcmd == 1 and code == 1):
                answers += bytes([code]) + b"\xff\xff\xff"
        return answers

    def _run(self, raw: bytes) -> int:
        """Run one statement and return its code."""
        text = raw.decode("gb2312", "replace")
        if found := re.fullmatch(r'(qr0|t[0-2])\.txt="((?:[^"\\]|\\.)*)"', text):
            value = re.sub(r"\\(.)", r"\1", found[2])
            if found[1] == "qr0":
                self.code = value
            else:
                self.lines[int(found[1][1])] = value
            return 0x01
        if found := re.fullmatch(r"(bkcmd|dim)=(\d+)", text):
            if found[1] == "bkcmd":
                self._bkcmd = int(found[2])
            else:
                self.brightness = int(found[2])
            return 0x01
        if text.startswith("page "):
            self.page = text[5:]
            return 0x01
        if found := re.fullmatch(r"fill (\d+),(\d+),(\d+),(\d+),(0|65535)", text):
            return self._fill(*(int(n) for n in found.groups()))
        return 0x1A if ".txt=" in text else 0x00

    def _fill(self, x: int, y: int, width: int, height: int, colour: int) -> int:
        if x + width > WIDTH or y + height > HEIGHT:
            return 0x1C
        for row in range(y, y + height):
            self.canvas[row * WIDTH + x : row * WIDTH + x + width] = bytes([colour & 0xFF]) * width
        return 0x01


class Dwin(Panel):
    """A memory of words, written by frames; the controls read it at the addresses of the project."""

    CODE, LINES = 0x1000, (0x1200, 0x1240, 0x1280)

    def __init__(self) -> None:
        super().__init__()
        self._memory = bytearray(0x20000)

    def feed(self, data: bytes) -> bytes:
        """Run the frames that are whole."""
        self._rest += data
        answers = b""
        while len(self._rest) >= 3:
            if self._rest[:2] != b"\x5a\xa5":
                self.complaints.append(self._rest[:1].hex())
                self._rest = self._rest[1:]
                continue
            size = self._rest[2]
            if len(self._rest) < 3 + size:
                break
            answers += self._run(self._rest[3 : 3 + size])
            self._rest = self._rest[3 + size :]
        return answers

    def _run(self, frame: bytes) -> bytes:
        if frame[:1] != b"\x82" or len(frame) < 5 or len(frame) % 2 == 0:
            self.complaints.append(frame.hex())
            return b""
        at = int.from_bytes(frame[1:3], "big")
        self._memory[at * 2 : at * 2 + len(frame) - 3] = frame[3:]
        if at == 0x0084:
            self.page = str(int.from_bytes(frame[5:7], "big"))
        self.code = self._text(self.CODE)
        self.lines = [self._text(line) for line in self.LINES]
        return b"\x5a\xa5\x03\x82OK"

    def _text(self, at: int) -> str:
        raw = bytes(self._memory[at * 2 : at * 2 + 460])
        ends = [n for n in (raw.find(b"\xff\xff"), raw.find(b"\x00\x00")) if n >= 0]
        return raw[: min(ends)].decode("gb18030", "replace")


class Pole(Panel):
    """Two rows of twenty columns, a cursor, and the commands that have a fixed length."""

    LENGTHS: ClassVar[dict[bytes, int]] = {}

    def __init__(self) -> None:
        super().__init__()
        self._clear()

    def _clear(self) -> None:
        self._rows = [bytearray(b" " * 20), bytearray(b" " * 20)]
        self._at = (0, 0)
        self._see()

    def _see(self) -> None:
        self.lines = [bytes(row).decode("gb18030", "replace").rstrip() for row in self._rows]

    def feed(self, data: bytes) -> bytes:
        """Run what is whole."""
        self._rest += data
        while self._rest:
            used = self._one()
            if not used:
                break
            self._rest = self._rest[used:]
        self._see()
        return b""

    def _one(self) -> int:
        """Run one command or character and return how many bytes it had; 0 when more must come."""
        first = self._rest[0]
        if first == 0x0C:
            self._clear()
            return 1
        if first == 0x02:  # STX ENQ C n ETX chooses the language
            return 5 if len(self._rest) >= 5 else 0
        if first >= 0x20:
            return self._write()
        for command, length in self.LENGTHS.items():
            if self._rest.startswith(command):
                return self._run(command, length)
        if len(self._rest) < 3:
            return 0
        self.complaints.append(self._rest[:3].hex())
        return 1

    def _run(self, command: bytes, length: int) -> int:
        if length < 0:  # a string up to CR
            end = self._rest.find(b"\r")
            if end < 0:
                return 0
            row = self._rest[len(command) - 1] - ord("A")
            text = self._rest[len(command) : end]
            if len(text) > 20:
                self.complaints.append("more than twenty characters")
            self._rows[row][:] = text[:20].ljust(20)
            return end + 1
        if len(self._rest) < length:
            return 0
        self._do(command, self._rest[len(command) : length])
        return length

    def _do(self, command: bytes, words: bytes) -> None:
        if command == b"\x1b@":
            self._clear()
        elif command in (b"\x1b*", b"\x1fX"):
            self.brightness = words[0]
        elif command in (b"\x1bl", b"\x1f$"):
            self._at = (words[1] - 1, words[0] - 1)

    def _write(self) -> int:
        row, column = self._at
        if column < 20:
            self._rows[row][column] = self._rest[0]
        else:
            self.complaints.append("written past the end of a row")
        self._at = (row, column + 1)
        return 1


class Cd5220(Pole):
    """CD5220 commands."""

    LENGTHS: ClassVar[dict[bytes, int]] = {
        b"\x1bQA": -1,
        b"\x1bQB": -1,
        b"\x1b@": 2,
        b"\x1b*": 3,
        b"\x1b_": 3,
        b"\x1bl": 4,
        b"\x1b\x11": 2,
    }


class EscposPole(Pole):
    """Epson's commands."""

    LENGTHS: ClassVar[dict[bytes, int]] = {b"\x1b@": 2, b"\x1fX": 3, b"\x1fC": 3, b"\x1f$": 4, b"\x1f\x01": 2}


DIALECTS: dict[str, type[Panel]] = {
    "qrview": QrView,
    "mertech": Mertech,
    "tjc": Tjc,
    "dwin": Dwin,
    "cd5220": Cd5220,
    "escpos-pole": EscposPole,
}
