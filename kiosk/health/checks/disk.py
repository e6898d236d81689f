"""Is there room for the journal?"""

from __future__ import annotations

from kiosk.health.model import Facts, Finding

LEAST_BYTES = 64 * 1024 * 1024
"""About 250,000 journal rows of 250 B: a year of a busy counter."""
LEAST_SHARE = 0.05


def check(facts: Facts) -> Finding | None:
    """Warn before the card is full; without room nothing can be redeemed."""
    if facts.free_bytes < LEAST_BYTES:
        return Finding(
            "disk",
            "error",
            f"Only {facts.free_bytes // 1024} KiB are free on the card.",
            "Remove made PDFs, or use a larger card.",
        )
    if facts.free_share < LEAST_SHARE:
        return Finding(
            "disk",
            "warning",
            f"Only {facts.free_share:.0%} of the card is free.",
            "Remove made PDFs, or use a larger card.",
        )
    return None
