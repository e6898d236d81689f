"""What is said of every reason: one sentence for staff, one for the customer."""

from __future__ import annotations

from datetime import datetime

from kiosk.coupons.batch import Batch
from kiosk.coupons.verdict import FirstUse, Reason
from ui.marks import N_
from ui.money import moment, yuan
from ui.texts import Texts, texts

STAFF: dict[Reason, str] = {
    "": N_("Accepted."),
    "used": N_("Already used: {store}, {at}."),
    "payment_code": N_("That is a payment code, not a coupon. It was not kept."),
    "unreadable": N_("Not a coupon code."),
    "bad_signature": N_("This code was not issued by us."),
    "unknown_code": N_("Nobody knows this code."),
    "unknown_batch": N_("The batch of this coupon is not known here."),
    "cash_voucher": N_("A cash voucher is deducted by WeChat at payment; it is not redeemed here."),
    "not_started": N_("Not valid yet."),
    "expired": N_("Expired."),
    "wrong_day": N_("Not valid on this day of the week."),
    "wrong_time": N_("Not valid at this time of day."),
    "wrong_store": N_("Not valid in this store."),
    "below_threshold": N_("The total is below ¥{threshold}."),
    "total_required": N_("This coupon needs the total of the basket."),
    "goods_missing": N_("The goods of this coupon are not in the basket."),
    "paused": N_("The batch is paused."),
    "ended": N_("The batch has ended."),
    "revoked": N_("This coupon was withdrawn."),
    "replaced": N_("This slip was replaced by a new one; its code is void. Only the new slip counts."),
    "leased_elsewhere": N_("This coupon is reserved at another kiosk."),
    "shut_out": N_(
        "The cloud does not let this kiosk in, so nothing is redeemed here. The coupon stays valid. See the doctor."
    ),
    "hub_away": N_(
        "The cloud does not answer and this coupon needs it. The coupon stays valid; try again later."
    ),
    "offline_cap": N_(
        "This kiosk has accepted as much offline as it may. The coupon stays valid; try again later."
    ),
    "offline_too_old": N_(
        "This kiosk has been offline too long for this coupon. It stays valid; try again later."
    ),
    "not_home": N_("Without the cloud this coupon can only be redeemed at its home kiosk. It stays valid."),
    "no_lease": N_("This kiosk holds no allowance for this coupon. It stays valid; try again later."),
    "clock_uncertain": N_(
        "The time is not certain, so the period cannot be checked. The coupon stays valid."
    ),
    "voided": N_("This attempt was given up; scan the coupon again."),
    "rid_reuse": N_("That request number was used for another code."),
    "store_full": N_("The kiosk cannot write its journal; nothing was done. See the doctor."),
    "busy": N_("This code is being redeemed right now."),
}
CUSTOMER: dict[Reason, str] = {
    "": N_("Coupon accepted"),
    "used": N_("This coupon has been used already"),
    "payment_code": N_("Please show your coupon, not your payment code"),
    "unreadable": N_("This is not a coupon code"),
    "bad_signature": N_("This coupon is not valid"),
    "unknown_code": N_("This coupon was not found"),
    "unknown_batch": N_("This coupon was not found"),
    "cash_voucher": N_("No need to scan: WeChat deducts it when you pay"),
    "not_started": N_("This coupon is not valid yet"),
    "expired": N_("This coupon has expired"),
    "wrong_day": N_("This coupon is not valid today"),
    "wrong_time": N_("This coupon is not valid at this hour"),
    "wrong_store": N_("This coupon is for another store"),
    "below_threshold": N_("Spend ¥{threshold} to use this coupon"),
    "total_required": N_("Please let the staff enter the total first"),
    "goods_missing": N_("The goods of this coupon are missing"),
    "paused": N_("This coupon cannot be used at the moment"),
    "ended": N_("This offer has ended"),
    "revoked": N_("This coupon is no longer valid"),
    "replaced": N_("This slip was replaced. Please show the new one"),
    "leased_elsewhere": N_("Please use this coupon at the other counter"),
    "shut_out": N_("Cannot check right now. Your coupon stays valid"),
    "hub_away": N_("Cannot check right now. Your coupon stays valid"),
    "offline_cap": N_("Cannot check right now. Your coupon stays valid"),
    "offline_too_old": N_("Cannot check right now. Your coupon stays valid"),
    "not_home": N_("Please use this coupon at the main counter"),
    "no_lease": N_("Cannot check right now. Your coupon stays valid"),
    "clock_uncertain": N_("Cannot check right now. Your coupon stays valid"),
    "voided": N_("Please scan again"),
    "rid_reuse": N_("Please scan again"),
    "store_full": N_("Please ask the staff"),
    "busy": N_("One moment, please"),
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
    t = counter_texts(locale)
    if reason == "used" and first is None:
        return t("Already used.")
    return _fill(STAFF[reason], locale, batch, first, now)


def for_customer(reason: Reason, locale: str, now: datetime, batch: Batch | None = None) -> str:
    """Return the sentence for the customer."""
    return _fill(CUSTOMER[reason], locale, batch, None, now)


def check_hint(batch: Batch, locale: str) -> str:
    """Return what the person at the till has to look at when the total is not known."""
    t = counter_texts(locale)
    return t("Valid from ¥{threshold}, please check", threshold=yuan(batch.threshold))


def certainty(confirmed: bool, locale: str) -> str:
    """Return how certain an acceptance is, never more than it is."""
    t = counter_texts(locale)
    return t("Confirmed by the cloud") if confirmed else t("Accepted here under the batch's rule")


def unrecorded(locale: str) -> str:
    """Return what a person has to do when the cloud has accepted and the kiosk could not write it down."""
    t = counter_texts(locale)
    return t(
        "The cloud has accepted this coupon, but the kiosk could not write it down. Give nothing yet: make room, then scan it again."
    )
