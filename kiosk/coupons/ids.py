"""Request and event identifiers."""

from __future__ import annotations

import secrets

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZabcdefghjkmnpqrstvwxyz"


def new_rid() -> str:
    """Return a fresh `rid` of 24 characters (137 bits): WeChat and the cloud printers take at most 32 of [0-9A-Za-z]."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(24))
