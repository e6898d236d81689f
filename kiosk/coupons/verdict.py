"""The words in which a redemption is answered; the same on the kiosk, at the hub and on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

Verdict = Literal["confirmed", "offline", "refused", "unknown"]
"""`confirmed` by the hub; `offline`: accepted here under the batch's rule; `refused`; `unknown`: a person must look."""

Threshold = Literal["met", "unchecked", "not met"]

Reason = Literal[
    "",  # accepted
    "used",  # no use left; first_use says where and when
    "payment_code",  # the customer showed a payment code
    "unreadable",  # not a code of ours
    "bad_signature",
    "unknown_code",
    "unknown_batch",
    "cash_voucher",  # deducted by WeChat at payment, never redeemed here
    "not_started",
    "expired",
    "wrong_day",
    "wrong_time",
    "wrong_store",
    "below_threshold",
    "total_required",
    "goods_missing",
    "paused",
    "ended",
    "revoked",
    "replaced",  # its slip may still have appeared when a new code took its place
    "leased_elsewhere",
    "shut_out",  # the hub does not let this kiosk in; the coupon stays valid
    "hub_away",  # the batch needs the hub and the hub does not answer; the coupon stays valid
    "offline_cap",  # the kiosk's allowance is used up
    "offline_too_old",  # last contact with the hub is too long ago
    "not_home",
    "no_lease",
    "clock_uncertain",
    "voided",  # this attempt was voided before it arrived
    "rid_reuse",
    "store_full",  # the journal cannot write
    "busy",  # the same code is being redeemed right now
]


class FirstUse(msgspec.Struct, frozen=True):
    """Where and when a coupon was used first."""

    store: str
    """The store's name as staff know it."""
    at: datetime


class Goods(msgspec.Struct, frozen=True):
    """One line of the till's basket."""

    id: str
    quantity: int
    price: int
    """Unit price in fen."""
