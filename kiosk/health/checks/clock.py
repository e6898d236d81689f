"""Is the time known well enough to judge a coupon's period?"""

from __future__ import annotations

from kiosk.health.model import Facts, Finding, told

BOUND_S = 300.0
"""Periods end at a minute; five minutes is what staff would forgive (facts: sync-fleet B7)."""


def check(facts: Facts) -> Finding | None:
    """Warn when no server time is known since boot, or it has drifted."""
    if facts.clock_error_s is None:
        return Finding(
            "clock",
            "warning",
            told("The time is not certain: the hub has not told it since this start."),
            told(
                "Connect the kiosk to the network; until then lease and home coupons are refused while the hub does not answer."
            ),
        )
    if facts.clock_error_s > BOUND_S:
        return Finding(
            "clock",
            "warning",
            told("The time may be off by {seconds} s.", seconds=f"{facts.clock_error_s:.0f}"),
            told("Connect the kiosk to the hub."),
        )
    return None
