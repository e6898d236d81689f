"""Sentences that stand in tables and are looked up later: marked, so that the check of the catalogs finds them."""

from __future__ import annotations


def N_(msgid: str) -> str:
    """Return a sentence as it is; gettext's customary name for "translated elsewhere"."""
    return msgid
