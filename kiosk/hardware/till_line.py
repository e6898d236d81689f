"""The lines that a till and the kiosk exchange. Pure. The protocol is this project's own; docs/devices.md has it for tills' makers.

A line ends with CR, LF or both and is UTF-8. A till chooses its form with each line: JSON (`{"total": 2500}`,
`{"cancel": true}`, `{"drawer": true}`) or words (`TOTAL=2500 REF=A1`, `CANCEL`, `DRAWER`); it is answered in the form that
it used last.
"""

from __future__ import annotations

import json
from typing import Literal

import msgspec

from kiosk.coupons.basket import Basket
from kiosk.events import Bus
from kiosk.hardware.signals import BasketPushed, DrawerAsked

LONGEST = 65_536
"""Bytes: 500 goods of 100 bytes each, and some room."""
DIGITS = 10
"""Of a total in fen; Python would refuse to read thousands."""
Form = Literal["json", "words"]
EXAMPLE = 'write {"total": 2500} or TOTAL=2500, in fen.'


class Line(msgspec.Struct, frozen=True):
    """What a till said: a basket, or None that takes the last one back; `trouble` when it made no sense."""

    form: Form
    basket: Basket | None = None
    trouble: str = ""
    drawer: bool = False
    """It asks for the cash drawer that hangs on the kiosk; its basket stays as it is."""


class _Cancel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """{"cancel": true}."""

    cancel: bool


class _Drawer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """{"drawer": true}."""

    drawer: Literal[True]


class Lines:
    """Cuts bytes into lines; one that is too long comes as None, whole lines after it are whole."""

    def __init__(self) -> None:
        self._raw = bytearray()
        self._too_long = False

    def feed(self, data: bytes) -> list[bytes | None]:
        """Take bytes and return the lines that have ended; empty ones are none."""
        done: list[bytes | None] = []
        *ended, rest = data.replace(b"\r", b"\n").split(b"\n")
        for part in ended:
            self._add(part)
            if self._too_long:
                done.append(None)
            elif self._raw.strip():
                done.append(bytes(self._raw))
            self._raw, self._too_long = bytearray(), False
        self._add(rest)
        return done

    def _add(self, part: bytes) -> None:
        self._too_long = self._too_long or len(self._raw) + len(part) > LONGEST
        if self._too_long:
            self._raw.clear()
        else:
            self._raw += part


def read(raw: bytes | None) -> Line:
    """Read one line."""
    if raw is None:
        return Line("json", trouble=f"a line has more than {LONGEST} bytes; send fewer goods.")
    raw = raw.strip()
    return _json(raw) if raw.startswith(b"{") else _words(raw)


def _json(raw: bytes) -> Line:
    try:
        words = msgspec.json.decode(raw, type=dict[str, object])
        if "drawer" in words:
            return Line("json", drawer=msgspec.json.decode(raw, type=_Drawer).drawer)
        if "cancel" in words:
            if msgspec.json.decode(raw, type=_Cancel).cancel:
                return Line("json")
            return Line("json", trouble='"cancel" is not true; leave it out, or write {"cancel": true}.')
        return Line("json", msgspec.json.decode(raw, type=Basket))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        return Line("json", trouble=f"the line is no basket ({err}); {EXAMPLE}")


def _words(raw: bytes) -> Line:
    text = raw.decode("ascii", "replace")
    if text.upper() == "CANCEL":
        return Line("words")
    if text.upper() == "DRAWER":
        return Line("words", drawer=True)
    words = dict(word.upper().partition("=")[::2] for word in text.split())
    total = words.get("TOTAL", "")
    if not total.isdigit() or len(total) > DIGITS or not set(words) <= {"TOTAL", "REF"}:
        return Line(
            "words", trouble=f"the line is no basket; {EXAMPLE}"
        )  # 25.00 would be 25 fen, not 25 yuan
    ref = next((word[4:] for word in text.split() if word.upper().startswith("REF=")), "")
    try:
        return Line("words", msgspec.convert({"total": int(total), "ref": ref}, Basket))
    except msgspec.ValidationError as err:
        return Line("words", trouble=f"the line is no basket ({err}); {EXAMPLE}")


def publish(bus: Bus, till: str, line: Line) -> None:
    """Tell the counter what a till said."""
    bus.publish(DrawerAsked(till=till) if line.drawer else BasketPushed(till=till, basket=line.basket))


def write(message: dict[str, object], form: Form) -> bytes:
    """Write an answer as a line. Words carry what is short: of the sentences only an error's, which is the last word."""
    if form == "json":
        return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    flat = [
        f"{key.upper()}={value if key == 'error' else str(value).replace(' ', '_')}"
        for key, value in message.items()
        if key not in ("message", "hint", "first_use") and value not in (None, "")
    ]
    return " ".join(flat).encode("ascii", "replace") + b"\r\n"
