"""Just enough of MQTT 3.1.1 (OASIS standard, sections 2.2, 3.1 to 3.4 and 3.14) to publish one message with QoS 1. Pure."""

from __future__ import annotations

import struct

CONNECT, CONNACK, PUBLISH, PUBACK, DISCONNECT = 0x10, 0x20, 0x30, 0x40, 0xE0
QOS1 = 0x02
KEEP_ALIVE_S = 30
REFUSED = {
    1: "it does not speak MQTT 3.1.1",
    2: "it refuses the client's name",
    3: "it is not available",
    4: "user or password is wrong",
    5: "the user may not connect",
}


def packet(kind: int, body: bytes) -> bytes:
    """Put the header before a body: type, remaining length in groups of seven bits."""
    size, length = len(body), b""
    while True:
        size, digit = divmod(size, 128)
        length += bytes([digit | (0x80 if size else 0)])
        if not size:
            return bytes([kind]) + length + body


def text(value: str) -> bytes:
    """Encode a string with its length."""
    raw = value.encode()
    return struct.pack("!H", len(raw)) + raw


def connect(client: str, user: str, password: str) -> bytes:
    """Ask for a clean session."""
    flags = 0x02 | (0x80 if user else 0) | (0x40 if password else 0)
    body = text("MQTT") + bytes([4, flags]) + struct.pack("!H", KEEP_ALIVE_S) + text(client)
    return packet(CONNECT, body + (text(user) if user else b"") + (text(password) if password else b""))


def publish(topic: str, payload: bytes, number: int, *, again: bool = False) -> bytes:
    """Publish a message that must be acknowledged."""
    kind = PUBLISH | QOS1 | (0x08 if again else 0)
    return packet(kind, text(topic) + struct.pack("!H", number) + payload)


def disconnect() -> bytes:
    """Say goodbye."""
    return packet(DISCONNECT, b"")


def take(data: bytes) -> tuple[int, bytes, bytes] | None:
    """Split the first packet off: type, body, rest; None while it is not whole. ValueError for a length that cannot be."""
    size, shift, at = 0, 0, 1
    while True:
        if at >= len(data):
            return None
        size |= (data[at] & 0x7F) << shift
        at += 1
        if not data[at - 1] & 0x80:
            break
        shift += 7
        if shift > 21:
            raise ValueError("a length of more than four bytes")
    if len(data) < at + size:
        return None
    return data[0], data[at : at + size], data[at + size :]
