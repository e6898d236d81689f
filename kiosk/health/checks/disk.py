"""Is there room for the journal?"""

from __future__ import annotations

from kiosk.health.model import Facts, Finding, told

LEAST_BYTES = 64 * 1024 * 1024
"""About 250,000 journal rows of 250 B: a year of a busy counter."""
LEAST_SHARE = 0.05


def check(facts: Facts) -> Finding | None:
    """Warn before the card is full; without room nothing can be redeemed."""
    remedy = told("Remove made PDFs, or use a larger card.")
    if facts.free_bytes < LEAST_BYTES:
        kib = facts.free_bytes // 1024
        return Finding("disk", "error", told("Only {kib} KiB are free on the card.", kib=kib), remedy)
    if facts.free_share < LEAST_SHARE:
        share = f"{facts.free_share:.0%}"
        return Finding("disk", "warning", told("Only {share} of the card is free.", share=share), remedy)
    return None
