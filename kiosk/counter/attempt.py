"""One attempt at one coupon: what is put to the hub and to the journal, and the refusals. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from kiosk.counter.authority import Question
from kiosk.counter.know import Known
from kiosk.counter.result import Place, RedeemResult, Scan
from kiosk.coupons.batch import Batch
from kiosk.coupons.rules import goods_tag, threshold_of
from kiosk.coupons.verdict import Reason
from kiosk.journal.rows import Attempt, Intent, Used, first_use


class Try(msgspec.Struct, frozen=True):
    """What was scanned, what is known of it, and where."""

    rid: str
    scan: Scan
    known: Known
    place: Place

    def intent(self) -> Intent:
        """Return what the journal keeps before anybody is asked."""
        return Intent(
            rid=self.rid,
            code_key=self.known.key,
            coupon=self.known.coupon,
            stock_id=self.known.stock_id,
            max_uses=self.known.max_uses,
            total=self.scan.total,
            request_no=self.scan.request_no,
        )

    def question(self, lease: str | None) -> Question:
        """Return what the hub is asked."""
        return Question(
            rid=self.rid,
            code=self.known.text,
            store=self.place.store_id,
            total=self.scan.total,
            goods=self.scan.goods,
            own_coupon_applied=self.scan.own_coupon_applied,
            lease=lease,
        )

    def record(self, result: RedeemResult, known: Known, lease: str | None = None) -> dict[str, Any]:
        """Return what the journal is given to honour the attempt; `known` may know more since the hub's answer."""
        batch = known.batch
        value = batch.value if batch else 0
        body = {
            "coupon": known.coupon,
            "stock_id": result.batch,
            "store": self.place.store_id,
            "verdict": result.verdict,
            "policy": batch.offline.policy if batch else "",
            "value": value,
            "total": self.scan.total,
            "threshold": result.threshold,
            "source": self.scan.source,
            "lease": lease,
        }
        return {
            "body": body,
            "code_key": self.known.key,
            "store_name": self.place.store_name,
            "value": value,
            "result": result.plain(),
            "max_uses": known.max_uses,
        }

    def refused(self, reason: Reason) -> RedeemResult:
        """Return a refusal."""
        return RedeemResult(rid=self.rid, verdict="refused", reason=reason, batch=self.known.stock_id)

    def voucher(self, batch: Batch) -> RedeemResult:
        """Return the refusal of a cash voucher, with what the till's order needs so that WeChat deducts it."""
        tag = goods_tag(batch, self.scan.own_coupon_applied)
        met = threshold_of(batch, self.scan.total)
        return msgspec.structs.replace(self.refused("cash_voucher"), goods_tag=tag, threshold=met)

    def used(self, err: Used) -> RedeemResult:
        """Return the refusal of a coupon that was used here."""
        return msgspec.structs.replace(self.refused("used"), first_use=first_use(err.first))


def again(before: Attempt, known: Known) -> RedeemResult:
    """Return the stored result of a till's request that came before."""
    if known.key not in (before.code_key, before.coupon):
        return RedeemResult(rid=before.rid, verdict="refused", reason="rid_reuse")
    if before.state == "rolled_back" or before.result is None:
        reason: Reason = "busy" if before.state == "open" else "voided"
        return RedeemResult(rid=before.rid, verdict="refused", reason=reason)
    return msgspec.convert(before.result, RedeemResult)
