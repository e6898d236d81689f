"""The slips that a shop needs, as functions of their merge fields. Pure: each returns a slip for any printer and width."""

from kiosk.printing.templates.copy import as_copy
from kiosk.printing.templates.coupon import claim_slip, coupon_slip
from kiosk.printing.templates.record import ConflictUse, DayLine, conflict_slip, day_slip, receipt_slip
from kiosk.printing.templates.service import enrolment_slip, pairing_slip, self_test_slip, status_slip

__all__ = [
    "ConflictUse",
    "DayLine",
    "as_copy",
    "claim_slip",
    "conflict_slip",
    "coupon_slip",
    "day_slip",
    "enrolment_slip",
    "pairing_slip",
    "receipt_slip",
    "self_test_slip",
    "status_slip",
]
