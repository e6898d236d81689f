"""Are there slips of which nobody knows whether they are on paper?"""

from __future__ import annotations

from kiosk.health.model import Facts, Finding, told

LOW = 20
"""Slips left at which a busy counter runs dry within the hour."""


def check(facts: Facts) -> Finding | None:
    """Report unresolved prints and a pool that runs dry."""
    if facts.unknown_prints:
        return Finding(
            "prints",
            "warning",
            told("Slips of which it is not known whether they were printed: {n}.", n=facts.unknown_prints),
            told(
                "Look at the printer, then settle them in the staff console; they are never printed again by themselves."
            ),
        )
    if facts.pool_left is not None and facts.pool_left < LOW:
        return Finding(
            "prints",
            "warning",
            told("Only {n} slip coupons are ready.", n=facts.pool_left),
            told("Connect the kiosk to the hub, or enlarge the batch."),
        )
    return None
