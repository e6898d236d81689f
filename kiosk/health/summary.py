"""What the status slip says: how to reach this kiosk and how it is, for who stands before it."""

from __future__ import annotations

import socket

from kiosk.health.lights import lights
from kiosk.health.model import Facts
from ui.marks import N_
from ui.texts import texts

LIGHTS = {
    "reachable": N_("Cloud"),
    "in_sync": N_("In step"),
    "service": N_("Devices"),
    "up_to_date": N_("Up to date"),
}


def address() -> str:
    """Return this machine's address on its network, empty without one. Nothing is sent: a datagram socket only picks its route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))  # TEST-NET-1 (RFC 5737), which nobody has
        except OSError:
            return ""
        return str(s.getsockname()[0])


def lines(facts: Facts, url: str, device: str, version: str, locale: str) -> list[tuple[str, str]]:
    """Return name and value of each line."""
    t = texts("kiosk", "kiosk", locale)
    told = [(t(LIGHTS[name]), light.detail.say(locale)) for name, light in lights(facts).items()]
    return [
        (t("Address"), address() or t("no network")),
        (t("Pages"), url),
        *told,
        (t("Kiosk"), device),
        (t("Version"), version),
    ]
