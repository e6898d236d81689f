"""PINs: a person is known by theirs alone, and only a salted verifier of it is kept.

One PIN stands for one person, so that a clerk taps digits and nothing else. The people of a kiosk share a salt: signing in
then costs one derivation (16 MiB, 50 ms on a desktop, 0.3 s on a Pi 4), not one for each of them. People of a hub come
with salts of their own, one derivation for each salt.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from collections.abc import Sequence

from kiosk.journal.people import Person

LOG_N, BLOCK, LANES = 14, 8, 1
"""RFC 7914: 16 MiB a guess. A PIN of six digits is then half a day of one core away from whoever holds the card."""
PIN = re.compile(r"[0-9]{4,12}")
FORM = re.compile(r"scrypt\$(\d{1,2})\$(\d{1,2})\$(\d)\$([0-9a-f]{16,64})\$([0-9a-f]{64})")
MOST = (15, 8, 2)
"""What a hub may ask of a kiosk's memory and time."""


def derive(pin: str, log_n: int, block: int, lanes: int, salt: bytes) -> bytes:
    """Return the 32 bytes that a PIN and a salt give (scrypt, RFC 7914)."""
    return hashlib.scrypt(pin.encode(), salt=salt, n=2**log_n, r=block, p=lanes, maxmem=2**27, dklen=32)


def verifier(pin: str, salt: bytes) -> str:
    """Return what is kept of a PIN: `scrypt$log2(N)$r$p$salt$key`, salt and key in hex."""
    key = derive(pin, LOG_N, BLOCK, LANES, salt)
    return f"scrypt${LOG_N}${BLOCK}${LANES}${salt.hex()}${key.hex()}"


def who_has(pin: str, people: Sequence[Person]) -> Person | None:
    """Return the person whose PIN this is; a verifier that is not one, or costs too much, fits no PIN."""
    if not PIN.fullmatch(pin):
        return None
    derived: dict[tuple[int, int, int, str], str] = {}
    found = None
    for person in people:
        form = FORM.fullmatch(person.verifier)
        if form is None:
            continue
        cost = (int(form[1]), int(form[2]), int(form[3]))
        if not all(1 <= asked <= most for asked, most in zip(cost, MOST, strict=True)):
            continue
        key = (*cost, form[4])
        if key not in derived:
            derived[key] = derive(pin, *cost, bytes.fromhex(form[4])).hex()
        if hmac.compare_digest(derived[key], form[5]):
            found = person
    return found


async def find(pin: str, people: Sequence[Person]) -> Person | None:
    """Look for the person of a PIN beside the loop."""
    return await asyncio.to_thread(who_has, pin, people)


async def keep(pin: str, salt: bytes) -> str:
    """Make the verifier of a PIN beside the loop."""
    return await asyncio.to_thread(verifier, pin, salt)
