"""Is the console where kiosk.toml opens it?"""

from __future__ import annotations

from kiosk.health.model import Facts, Finding, told


def check(facts: Facts) -> Finding | None:
    """Report an address that could not be listened on; the counter goes on at its own."""
    if not facts.not_open:
        return None
    return Finding(
        "network",
        "warning",
        told(
            "The pages cannot be reached at {address}: another program uses that port.",
            address=facts.not_open,
        ),
        told("Stop that program and restart the kiosk, or choose another port in web.lan of kiosk.toml."),
    )
