"""Every slip as it would come out here, for the staff to look at. Its code stands for no coupon: it is signed by nobody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from kiosk.counter.result import Place
from kiosk.coupons.batch import Batch, Merchant, Store
from kiosk.coupons.record import PoolCode
from kiosk.printing import templates
from kiosk.printing.profiles import Profile
from kiosk.printing.slip import Slip
from ui.money import local

KINDS = ("coupon", "claim", "receipt", "conflict", "day", "self-test", "status", "enrolment", "pairing")
CODE = PoolCode("0-0", "C1:" + "0" * 116, "X00000000000")
RID = "0" * 24


class Known(Struct, frozen=True):
    """What this kiosk knows and prints."""

    place: Place
    merchant: Merchant | None
    batches: Sequence[Batch]
    stores: Sequence[Store]
    day: list[templates.DayLine]
    hub: str
    now: datetime
    logo: str = ""
    status: Sequence[tuple[str, str]] = ()
    """What the kiosk says of itself, name and value."""


def preview(kind: str, known: Known, profile: Profile) -> Slip | None:
    """Return a slip of a kind, or None where this kiosk has nothing to print of it yet."""
    place, locale, now = known.place, known.place.locale, known.now
    store = place.store
    batch = next((b for b in known.batches if b.product == "slip_coupon"), None)
    name = store.name if store else ""
    match kind:
        case "coupon":
            if batch is None:
                return None
            return templates.coupon_slip(
                known.merchant, store, batch, CODE, locale, stores=known.stores, logo=known.logo
            )
        case "claim":
            return (
                templates.claim_slip(known.merchant, store, locale, logo=known.logo)
                if store and store.link
                else None
            )
        case "receipt":
            return templates.receipt_slip(store, batch, RID, "confirmed", now, locale)
        case "conflict":
            uses = [
                templates.ConflictUse(name, place.device[:12], at) for at in (now - timedelta(hours=1), now)
            ]
            return templates.conflict_slip(batch, CODE.short, uses, batch.value if batch else 0, locale)
        case "day":
            return templates.day_slip(name, local(now).date().isoformat(), known.day, locale)
        case "self-test":
            return templates.self_test_slip(profile.name, now, locale, profile)
        case "status":
            return templates.status_slip(name or place.device, list(known.status), locale)
        case "enrolment":
            return templates.enrolment_slip("X0000000", known.hub or "https://hub.example.cn", locale)
        case "pairing":
            return templates.pairing_slip("https://192.168.1.20:8443/staff/pair/" + "x" * 22, "-", locale)
        case _:
            return None
