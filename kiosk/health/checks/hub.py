"""Is the hub there, and does it know this kiosk?"""

from __future__ import annotations

from kiosk.health.model import Facts, Finding


def check(facts: Facts) -> Finding | None:
    """Name what stands between the kiosk and the hub."""
    if not facts.hub_url:
        return Finding("hub", "info", "No hub is configured.", "Join one with `kiosk enrol --hub URL`.")
    if facts.enrolled == "revoked":
        return Finding(
            "hub", "error", "The hub has revoked this kiosk.", "Ask the fleet operator to let it in again."
        )
    if facts.enrolled == "pending":
        return Finding(
            "hub",
            "warning",
            "The hub has not let this kiosk in yet.",
            "Approve it in the fleet console with the code shown here.",
        )
    if facts.reachable == "no":
        since = f" since {facts.last_sync:%Y-%m-%d %H:%M} UTC" if facts.last_sync else ""
        return Finding(
            "hub",
            "warning",
            f"The hub at {facts.hub_url} does not answer{since}.",
            "Check the network; redemptions go on under each batch's offline rule and are uploaded later.",
        )
    return None
