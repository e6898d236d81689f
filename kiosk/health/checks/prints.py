"""Are there slips of which nobody knows whether they are on paper?"""

from __future__ import annotations

from kiosk.health.model import Facts, Finding

LOW = 20
"""Slips left at which a busy counter runs dry within the hour."""


def check(facts: Facts) -> Finding | None:
    """Report unresolved prints and a pool that runs dry."""
    if facts.unknown_prints:
        return Finding(
            "prints",
            "warning",
            f"Of {facts.unknown_prints} slips it is not known whether they were printed.",
            "Look at the printer, then settle them in the staff console; they are never printed again by themselves.",
        )
    if facts.pool_left is not None and facts.pool_left < LOW:
        return Finding(
            "prints",
            "warning",
            f"Only {facts.pool_left} slip coupons are ready.",
            "Connect the kiosk to the hub, or enlarge the batch.",
        )
    return None
