"""Types on a keyboard that is not there: texts -> events of the kernel."""

from __future__ import annotations

from kiosk.hardware.keys import EVENT, KEYS

ENTER, SHIFT = 28, 42
PLACES = {
    char: (code, bool(n))
    for code, pair in reversed(KEYS.items())
    for n, char in reversed(list(enumerate(pair)))
}


def event(code: int, value: int, kind: int = 1) -> bytes:
    """Return one event as the kernel writes it."""
    return EVENT.pack(0, 0, kind, code, value)


def tap(code: int) -> bytes:
    """Return a key that goes down and up, each with its report."""
    return event(code, 1) + event(0, 0, 0) + event(code, 0) + event(0, 0, 0)


def keystrokes(text: str) -> bytes:
    """Return the events of a text as it is typed; a line feed is Enter."""
    raw = b""
    for char in text:
        code, shift = PLACES[char]
        raw += event(SHIFT, 1) + tap(code) + event(SHIFT, 0) if shift else tap(code)
    return raw


def typed(text: str, end: int = ENTER) -> bytes:
    """Return the events of a scanner that types a code."""
    return keystrokes(text) + tap(end)
