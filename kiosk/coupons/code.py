"""Codes: what stands for a coupon on paper, on a phone and over the wire (facts: sync-fleet A9).

A *signed* code is `C1:` and 116 base45 characters: 13 bytes (a salt, then version and key slot, batch, serial, last day and
class, XORed with the start of SHA-256(salt)) and 64 bytes of Ed25519 over `CONTEXT` + the plain 13 bytes. It proves that the
hub issued it, never that it is unused. The salt is the first value whose text has no space, so that the code survives
trimming, shells and keyboards; without the XOR the fixed bytes alone would hold a space in one code of three.

A *short* code is 12 characters of Crockford's base32 for the barcode and for people: a letter, ten random characters (50
bits besides the letter) and a check character that finds every wrong character and every swap of neighbours.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import struct
from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from kiosk.coupons import base45

PREFIX = "C1:"
CONTEXT = b"coupon-kiosk code v1\n"
EPOCH = date(2020, 1, 1)
BODY = struct.Struct(">BBIIHB")
TEXT_LENGTH = len(PREFIX) + 116
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LETTERS = CROCKFORD[10:]
SHORT_LENGTH = 12


class SignedCode(msgspec.Struct, frozen=True):
    """The body of a signed code."""

    slot: int
    batch: int
    serial: int
    not_after: date
    klass: int
    salt: int
    version: int = 1

    @property
    def coupon(self) -> str:
        """Return the identity of the coupon."""
        return f"{self.batch}-{self.serial}"

    def pack(self) -> bytes:
        """Return the 13 plain bytes."""
        days = (self.not_after - EPOCH).days
        return BODY.pack(self.salt, self.version << 4 | self.slot, self.batch, self.serial, days, self.klass)


def _masked(body: bytes) -> bytes:
    """Return a body with all but its salt XORed by the salt's hash; masking twice gives the body back."""
    mask = hashlib.sha256(body[:1]).digest()
    return body[:1] + bytes(a ^ b for a, b in zip(body[1:], mask, strict=False))


class Signed(msgspec.Struct, frozen=True):
    """A signed code was read; whether the signature is good is for `verify`."""

    code: SignedCode
    signature: bytes
    text: str


class Short(msgspec.Struct, frozen=True):
    """A short code with a right check character."""

    text: str


class Opaque(msgspec.Struct, frozen=True):
    """A code of WeChat (22 digits) or of the merchant's own; only the hub knows it."""

    text: str


class Payment(msgspec.Struct, frozen=True):
    """A customer's payment code. It carries nothing, on purpose: it is spendable for a minute."""


class Link(msgspec.Struct, frozen=True):
    """An address, such as the store's own QR."""

    url: str


class Unreadable(msgspec.Struct, frozen=True):
    """Nothing that could be a code."""


Scan = Signed | Short | Opaque | Payment | Link | Unreadable


def sign(
    private: Ed25519PrivateKey, *, slot: int, batch: int, serial: int, not_after: date, klass: int = 0
) -> str:
    """Return the text of a signed code.

    About 1 text in 13 has no space, so 14 signatures on average; none in 256 has a chance of 3e-9 and is an error.
    """
    for salt in range(256):
        body = SignedCode(slot, batch, serial, not_after, klass, salt).pack()
        text = base45.encode(_masked(body) + private.sign(CONTEXT + body))
        if " " not in text:
            return PREFIX + text
    raise ValueError(
        f"no salt gives batch {batch} serial {serial} a text without a space; use the next serial"
    )


def verify(scan: Signed, keys: Mapping[int, bytes]) -> bool:
    """Tell whether a key of the merchant made the code; `keys` are raw public keys by slot."""
    raw = keys.get(scan.code.slot)
    if raw is None:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(scan.signature, CONTEXT + scan.code.pack())
    except InvalidSignature:
        return False
    return True


def new_short() -> str:
    """Return a fresh short code."""
    body = secrets.choice(LETTERS) + "".join(secrets.choice(CROCKFORD) for _ in range(SHORT_LENGTH - 2))
    return body + _check(body)


@lru_cache(maxsize=1)
def _tables() -> tuple[dict[str, int], list[int]]:
    """Return character values and the powers of a generator of GF(32) (x^5 + x^2 + 1)."""
    powers, n = [], 1
    for _ in range(31):
        powers.append(n)
        n <<= 1
        if n & 32:
            n ^= 0b100101
    return {char: i for i, char in enumerate(CROCKFORD)}, powers


def _check(body: str) -> str:
    """Return the check character: the sum of value x g^position in GF(32).

    Distinct non-zero weights find every single wrong character; neighbours' weights differ, so every swap too.
    """
    value, powers = _tables()
    total = 0
    for position, char in enumerate(body):
        n = value[char]
        if n:
            total ^= powers[(powers.index(n) + position + 1) % 31]
    return CROCKFORD[total]


def canonical_short(text: str) -> str | None:
    """Return the short code that a person or a barcode meant, or None when it is not one."""
    plain = re.sub(r"[\s-]", "", text).upper().replace("O", "0").replace("I", "1").replace("L", "1")
    if len(plain) != SHORT_LENGTH or plain[0] not in LETTERS or any(char not in CROCKFORD for char in plain):
        return None
    return plain if _check(plain[:-1]) == plain[-1] else None


def grouped(short: str) -> str:
    """Return a short code in groups of four."""
    return " ".join(short[i : i + 4] for i in range(0, len(short), 4))


def code_hash(key: bytes, text: str) -> str:
    """Return how a kiosk knows an unsigned code without holding it: the first 8 bytes of HMAC-SHA256, in hex."""
    return hmac.new(key, text.encode(), hashlib.sha256).digest()[:8].hex()


_OPAQUE = re.compile(r"[0-9A-Za-z_-]{6,32}\Z")


def is_payment_code(text: str) -> bool:
    """Tell whether a text is a payment code: WeChat 18 digits from 10-15; Alipay 16-24 digits from 25-30, but not 22.

    Blanks, hyphens and underscores count for nothing: people type what they read in groups, and all of it would pass for an
    uploaded code.
    """
    digits = re.sub(r"[\s_-]", "", text)
    if not digits.isascii() or not digits.isdigit():
        return False
    if len(digits) == 18 and "10" <= digits[:2] <= "15":
        return True
    return 16 <= len(digits) <= 24 and len(digits) != 22 and "25" <= digits[:2] <= "30"


def read(text: str) -> Scan:
    """Say what a scanned or typed text is; the payment guard comes first."""
    if len(text) > 2048:
        return Unreadable()
    plain = text.strip()
    if is_payment_code(plain):
        return Payment()
    if plain[: len(PREFIX)].upper() == PREFIX:
        return _read_signed(plain.upper())
    if re.match(r"https?://", plain, re.IGNORECASE):
        return Link(plain)
    if short := canonical_short(plain):
        return Short(short)
    if _OPAQUE.match(plain):
        return Opaque(plain)
    return Unreadable()


def _read_signed(text: str) -> Scan:
    try:
        raw = base45.decode(text[len(PREFIX) :])
    except ValueError:
        return Unreadable()
    if len(raw) != BODY.size + 64:
        return Unreadable()
    salt, head, batch, serial, days, klass = BODY.unpack(_masked(raw[: BODY.size]))
    if head >> 4 != 1:
        return Unreadable()
    code = SignedCode(head & 15, batch, serial, EPOCH + timedelta(days=days), klass, salt)
    return Signed(code, raw[BODY.size :], text)
