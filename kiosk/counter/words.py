"""What is said of every reason: one sentence for staff, one for the customer."""

from __future__ import annotations

from datetime import datetime

from kiosk.coupons.batch import Batch
from kiosk.coupons.verdict import FirstUse, Reason
from ui.money import moment, yuan
from ui.texts import Texts, texts

STAFF: dict[Reason, str] = {
    "": "Accepted.",
    "used": "Already used: {store}, {at}.",
    "payment_code": "That is a payment code, not a coupon. It was not kept.",
    "unreadable": "Not a coupon code.",
    "bad_signature": "This code was not issued by us.",
    "unknown_code": "Nobody knows this code.",
    "unknown_batch": "The batch of this coupon is not known here.",
    "cash_voucher": "A cash voucher is deducted by WeChat at payment; it is not redeemed here.",
    "not_started": "Not valid yet.",
    "expired": "Expired.",
    "wrong_day": "Not valid on this day of the week.",
    "wrong_time": "Not valid at this time of day.",
    "wrong_store": "Not valid in this store.",
    "below_threshold": "The total is below ¥{threshold}.",
    "total_required": "This coupon needs the total of the basket.",
    "goods_missing": "The goods of this coupon are not in the basket.",
    "paused": "The batch is paused.",
    "ended": "The batch has ended.",
    "revoked": "This coupon was withdrawn.",
    "leased_elsewhere": "This coupon is reserved at another kiosk.",
    "hub_away": "The cloud does not answer and this coupon needs it. The coupon stays valid; try again later.",
    "offline_cap": "This kiosk has accepted as much offline as it may. The coupon stays valid; try again later.",
    "offline_too_old": "This kiosk has been offline too long for this coupon. It stays valid; try again later.",
    "not_home": "This coupon can only be redeemed at the kiosk that printed it.",
    "no_lease": "This kiosk holds no allowance for this coupon. It stays valid; try again later.",
    "clock_uncertain": "The time is not certain, so the period cannot be checked. The coupon stays valid.",
    "voided": "This attempt was given up; scan the coupon again.",
    "rid_reuse": "That request number was used for another code.",
    "store_full": "The kiosk cannot write its journal; nothing was redeemed. See the doctor.",
    "busy": "This code is being redeemed right now.",
}
CUSTOMER: dict[Reason, str] = {
    "": "Coupon accepted",
    "used": "This coupon has been used already",
    "payment_code": "Please show your coupon, not your payment code",
    "unreadable": "This is not a coupon code",
    "bad_signature": "This coupon is not valid",
    "unknown_code": "This coupon was not found",
    "unknown_batch": "This coupon was not found",
    "cash_voucher": "No need to scan: WeChat deducts it when you pay",
    "not_started": "This coupon is not valid yet",
    "expired": "This coupon has expired",
    "wrong_day": "This coupon is not valid today",
    "wrong_time": "This coupon is not valid at this hour",
    "wrong_store": "This coupon is for another store",
    "below_threshold": "Spend ¥{threshold} to use this coupon",
    "total_required": "Please let the staff enter the total first",
    "goods_missing": "The goods of this coupon are missing",
    "paused": "This coupon cannot be used at the moment",
    "ended": "This offer has ended",
    "revoked": "This coupon is no longer valid",
    "leased_elsewhere": "Please use this coupon at the other counter",
    "hub_away": "Cannot check right now. Your coupon stays valid",
    "offline_cap": "Cannot check right now. Your coupon stays valid",
    "offline_too_old": "Cannot check right now. Your coupon stays valid",
    "not_home": "Please use this coupon where it was printed",
    "no_lease": "Cannot check right now. Your coupon stays valid",
    "clock_uncertain": "Cannot check right now. Your coupon stays valid",
    "voided": "Please scan again",
    "rid_reuse": "Please scan again",
    "store_full": "Please ask the staff",
    "busy": "One moment, please",
}


def counter_texts(locale: str) -> Texts:
    """Return the texts of the kiosk."""
    return texts("kiosk", "kiosk", locale)


def _fill(sentence: str, locale: str, batch: Batch | None, first: FirstUse | None, now: datetime) -> str:
    told = counter_texts(locale)(sentence)
    return told.format(
        threshold=yuan(batch.threshold) if batch else "",
        store=first.store if first else "",
        at=moment(first.at, locale, now) if first else "",
    )


def for_staff(
    reason: Reason, locale: str, now: datetime, batch: Batch | None = None, first: FirstUse | None = None
) -> str:
    """Return the sentence for staff."""
    if reason == "used" and first is None:
        return counter_texts(locale)("Already used.")
    return _fill(STAFF[reason], locale, batch, first, now)


def for_customer(reason: Reason, locale: str, now: datetime, batch: Batch | None = None) -> str:
    """Return the sentence for the customer."""
    return _fill(CUSTOMER[reason], locale, batch, None, now)


def check_hint(batch: Batch, locale: str) -> str:
    """Return what the person at the till has to look at when the total is not known."""
    return counter_texts(locale)("Valid from ¥{threshold}, please check", threshold=yuan(batch.threshold))
