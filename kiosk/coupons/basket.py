"""What a till says of the sale that is under way. A value only."""

from __future__ import annotations

from typing import Annotated

import msgspec

from kiosk.coupons.verdict import Goods


class Basket(msgspec.Struct, frozen=True, kw_only=True):
    """One sale; money in fen."""

    total: Annotated[int, msgspec.Meta(ge=0, le=10**9)]
    goods: Annotated[tuple[Goods, ...], msgspec.Meta(max_length=500)] = ()
    own_coupon_applied: bool = False
    ref: Annotated[str, msgspec.Meta(max_length=32)] = ""
    """The till's own number of the sale, given back with the answer."""
