"""How the counter asks the hub: a port that `sync` implements and `daemon` hands in."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from kiosk.coupons.verdict import FirstUse, Goods, Reason, Threshold


class Silent(Exception):
    """The hub did not answer within the deadline; nobody knows whether it decided."""


class ShutOut(Exception):
    """The hub answered, and does not let this kiosk in: it is revoked, not approved yet, or not known."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt, as the counter puts it."""

    rid: str
    code: str
    store: str
    total: int | None = None
    goods: tuple[Goods, ...] = ()
    own_coupon_applied: bool = False
    lease: str | None = None


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The hub's answer."""

    status: Literal["ok", "deny", "voided"]
    reason: Reason = ""
    stock_id: str | None = None
    coupon: str | None = None
    first_use: FirstUse | None = None
    threshold: Threshold = "unchecked"
    discount: int | None = None
    goods_tag: str | None = None


class Authority(Protocol):
    """Who decides when it can be reached."""

    @property
    def away(self) -> bool:
        """Tell whether the hub is known to be away: then nobody waits for it."""

    async def decide(self, question: Question, deadline_s: float) -> Decision:
        """Ask once, with retries of the same rid inside the deadline; raise `Silent` when no answer came.

        Raise `ShutOut` when the hub does not let this kiosk in: then nothing may be decided alone either.
        """


class Alone:
    """A kiosk without a hub decides by itself; implements `Authority`."""

    away = True

    async def decide(self, question: Question, deadline_s: float) -> Decision:
        """Never answer."""
        raise Silent("no hub is configured")
