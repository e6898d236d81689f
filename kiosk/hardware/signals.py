"""What devices tell besides scans and presses. Events like those of `kiosk.events`; nothing durable depends on them."""

from __future__ import annotations

from kiosk.coupons.basket import Basket
from kiosk.events import Event


class Held(Event, frozen=True):
    """A button was held down long: for the staff, never for customers."""

    button: str = "button"


class PresenceChanged(Event, frozen=True):
    """Somebody stands before the counter, or has left it. It says that there is somebody, never who."""

    present: bool


class PowerFailing(Event, frozen=True):
    """The mains are gone and a battery runs: stop cleanly while there is time."""


class PowerBack(Event, frozen=True):
    """The mains are back."""


class DrawerOpened(Event, frozen=True):
    """The cash drawer was opened by this kiosk. `by`: `till:NAME`, `staff:NAME`, or `bench` for the page of simulated devices."""

    drawer: str
    by: str = ""


class DrawerAsked(Event, frozen=True):
    """A till asks for the drawer that hangs on this kiosk."""

    till: str


class BasketPushed(Event, frozen=True):
    """A till says what the customer buys; None takes back what it said last."""

    till: str
    basket: Basket | None
