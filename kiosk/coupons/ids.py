"""Request and event identifiers."""

from __future__ import annotations

import secrets
from typing import Annotated

import msgspec

RequestNo = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[0-9A-Za-z_\-|*@]{1,32}$",
        description="The till's own number of the request, in the alphabet of WeChat Pay's order numbers.",
    ),
]
"""A till's `request_no` (WeChat Pay, `out_trade_no`): a `rid` is made for it, it never becomes one itself."""
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZabcdefghjkmnpqrstvwxyz"


def new_rid() -> str:
    """Return a fresh `rid` of 24 characters (137 bits): WeChat and the cloud printers take at most 32 of [0-9A-Za-z]."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(24))
