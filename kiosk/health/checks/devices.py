"""Are the scanner, the button and the displays there?"""

from __future__ import annotations

from kiosk.health.model import Facts, Finding, told


def check(facts: Facts) -> Finding | None:
    """Name the devices that are configured and not there."""
    if not facts.devices_down:
        return None
    return Finding(
        "devices",
        "warning",
        told("Not there: {names}.", names=", ".join(facts.devices_down)),
        told("Check the cable and the address in kiosk.toml; they are retried by themselves."),
    )
