"""Base45 (RFC 9285): bytes as the 45 characters of a QR code's alphanumeric mode."""

from __future__ import annotations

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUE = {char: n for n, char in enumerate(ALPHABET)}


def encode(raw: bytes) -> str:
    """Return the text of the bytes: three characters for two bytes, two for a last odd one."""
    out = []
    for i in range(0, len(raw) - 1, 2):
        n = raw[i] << 8 | raw[i + 1]
        out += [ALPHABET[n % 45], ALPHABET[n // 45 % 45], ALPHABET[n // 2025]]
    if len(raw) % 2:
        out += [ALPHABET[raw[-1] % 45], ALPHABET[raw[-1] // 45]]
    return "".join(out)


def decode(text: str) -> bytes:
    """Return the bytes of a text; ValueError when it is not base45."""
    if len(text) % 3 == 1:
        raise ValueError("a base45 text has 0 or 2 characters over a multiple of 3")
    try:
        digits = [_VALUE[char] for char in text]
    except KeyError as err:
        raise ValueError(f"{err.args[0]!r} is not a base45 character") from None
    out = bytearray()
    for i in range(0, len(digits) - 2, 3):
        n = digits[i] + digits[i + 1] * 45 + digits[i + 2] * 2025
        if n > 0xFFFF:
            raise ValueError("a base45 group is above 65535")
        out += n.to_bytes(2, "big")
    if len(digits) % 3:
        n = digits[-2] + digits[-1] * 45
        if n > 0xFF:
            raise ValueError("the last base45 group is above 255")
        out.append(n)
    return bytes(out)
