"""Are there keys on this card that belong in the hub?"""

from __future__ import annotations

from kiosk.health.model import Facts, Finding, told


def check(facts: Facts) -> Finding | None:
    """Say that a cloud printer's account key prints in every store of the account."""
    if not facts.account_keys_here:
        return None
    return Finding(
        "keys",
        "warning" if facts.hub_url else "info",
        told(
            "A cloud printer's account key is on this kiosk; whoever takes the card can print in every store of the account."
        ),
        told("With a hub, keep the account there and print through hub+feie:// or hub+yilianyun://."),
    )
