"""Is the hub there, and does it know this kiosk?"""

from __future__ import annotations

from kiosk.health.model import Facts, Finding, told
from ui.money import local


def check(facts: Facts) -> Finding | None:
    """Name what stands between the kiosk and the hub."""
    if not facts.hub_url:
        return Finding(
            "hub", "info", told("No hub is configured."), told("Join one with `kiosk enrol --hub URL`.")
        )
    if facts.enrolled == "revoked":
        return Finding(
            "hub",
            "error",
            told("The hub has revoked this kiosk."),
            told("Ask the fleet operator to let it in again."),
        )
    if facts.enrolled == "pending":
        return Finding(
            "hub",
            "warning",
            told("The hub has not let this kiosk in yet."),
            told("Approve it in the fleet console with the code shown here."),
        )
    if facts.shut_out:
        return _shut_out(facts)
    return _away(facts) if facts.reachable == "no" else None


def _shut_out(facts: Facts) -> Finding:
    """Name what outlasts a restart: the counter refuses until the hub has let the kiosk in, whether it answers now or not."""
    what = told(
        "The hub at {url} did not let this kiosk in when it last answered, so nothing is redeemed here.",
        url=facts.hub_url,
    )
    todo = told(
        "Connect the kiosk to the hub and ask the fleet operator to let it in again; coupons stay valid meanwhile."
    )
    return Finding("hub", "error", what, todo)


def _away(facts: Facts) -> Finding:
    todo = told(
        "Check the network; redemptions go on under each batch's offline rule and are uploaded later."
    )
    if facts.last_sync is None:
        return Finding("hub", "warning", told("The hub at {url} does not answer.", url=facts.hub_url), todo)
    since = f"{local(facts.last_sync):%Y-%m-%d %H:%M}"
    what = told("The hub at {url} does not answer since {since}.", url=facts.hub_url, since=since)
    return Finding("hub", "warning", what, todo)
