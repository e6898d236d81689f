"""What each finding puts at risk, and the request to the local API that mends it."""

from __future__ import annotations

from ui.marks import N_

RISKS = {
    "printers": N_("Until then no slips come out; the code on the screen still works."),
    "prints": N_("Until then nobody knows whether the customer has a slip."),
    "hub": N_("Until then coupons are redeemed only within each batch's offline rule."),
    "journal": N_("Until then head office does not see what was redeemed here."),
    "damage": N_("What could not be saved of it is in that file alone."),
    "clock": N_("Until then periods cannot be checked without the cloud."),
    "disk": N_("When it is full nothing is redeemed any more."),
    "devices": N_("Until then that device does nothing; everything else goes on."),
    "page": N_("Until then customers may not be able to scan the screen."),
    "config": N_("The kiosk runs on, without that setting."),
    "network": N_("Until then nobody sees a page at that address."),
    "keys": N_("Whoever takes the card can print on the account's printers."),
}
REMEDIES = {
    "prints": ("GET", "/api/v1/decisions"),
    "journal": ("GET", "/api/v1/decisions"),
    "printers": ("GET", "/api/v1/printers"),
    "devices": ("GET", "/api/v1/devices"),
    "page": ("POST", "/api/v1/counter/reload"),
    "disk": ("DELETE", "/api/v1/stands/made"),
    "config": ("GET", "/api/v1/settings/shop"),
}


def remedy(name: str) -> tuple[str, str] | None:
    """Return the request that mends a finding, or shows what is to be decided; None where only hands help."""
    return REMEDIES.get(name)
