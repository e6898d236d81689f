"""A coupon is scanned: from the text to the verdict, with nothing claimed that is not durable."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from kiosk.clock import Clock
from kiosk.counter import words
from kiosk.counter.authority import Authority, Decision, Question, Silent
from kiosk.coupons import code as codes
from kiosk.coupons.batch import Batch, Store
from kiosk.coupons.ids import new_rid
from kiosk.coupons.machine import Standing, after_answer, after_silence, offline_right
from kiosk.coupons.rules import Ruling, check
from kiosk.coupons.verdict import FirstUse, Goods, Reason, Threshold, Verdict
from kiosk.events import Bus, Outcome, OutcomeKind
from kiosk.journal.errors import JournalError
from kiosk.journal.rows import Busy, Intent, Used
from kiosk.journal.store import Journal, first_use
from ui.money import offer

DEADLINE_S = 1.5
"""Where the batch is not known, and so not its own deadline (facts: sync-fleet A3)."""


class RedeemResult(msgspec.Struct, frozen=True, kw_only=True):
    """What `kiosk redeem --json` prints."""

    rid: str
    verdict: Verdict
    reason: Reason = ""
    batch: str | None = None
    first_use: FirstUse | None = None
    threshold: Threshold = "unchecked"
    discount: int | None = None
    goods_tag: str | None = None
    message: str = ""
    hint: str = ""


class Known(msgspec.Struct, frozen=True):
    """What the kiosk itself knows of a scanned code."""

    text: str
    key: str
    """Makes two readings of one coupon the same: its identity, or a digest of the code."""
    coupon: str | None
    batch: Batch | None
    proven: bool
    """The code is known to be issued: a good signature, our own pool, or the downloaded hashes."""
    problem: Reason = ""


class Place(msgspec.Struct, frozen=True):
    """Where this kiosk stands."""

    device: str
    store: Store | None
    locale: str


class Redeemer:
    """Redeems at one counter."""

    def __init__(
        self,
        journal: Journal,
        authority: Authority,
        bus: Bus,
        clock: Clock,
        place: Callable[[], Awaitable[Place]],
        since_sync_s: Callable[[], float | None],
    ) -> None:
        self._journal, self._authority, self._bus, self._clock = journal, authority, bus, clock
        self._place, self._since_sync_s = place, since_sync_s

    async def redeem(
        self,
        text: str,
        *,
        source: str,
        total: int | None = None,
        goods: Sequence[Goods] = (),
        own_coupon_applied: bool = False,
        request_no: str | None = None,
    ) -> RedeemResult:
        """Redeem a code and tell everybody at the counter."""
        place = await self._place()
        try:
            result, batch = await self._judge(
                text, place, source, total, tuple(goods), own_coupon_applied, request_no
            )
        except JournalError as err:
            kind: Verdict = "unknown" if getattr(err, "after_ok", False) else "refused"
            result, batch = (
                RedeemResult(
                    rid=request_no or new_rid(), verdict=kind, reason="store_full", message=str(err)
                ),
                None,
            )
        told = self._told(result, batch, place.locale)
        self._bus.publish(self._outcome(told, batch, place.locale))
        return told

    async def rollback(self, of: str, why: str, by: str) -> bool:
        """Undo a redemption of this kiosk; False when there is none."""
        return await self._journal.rollback(of, new_rid(), why, by)

    # -- the path --

    async def _judge(
        self,
        text: str,
        place: Place,
        source: str,
        total: int | None,
        goods: tuple[Goods, ...],
        own: bool,
        request_no: str | None,
    ) -> tuple[RedeemResult, Batch | None]:
        rid = new_rid()
        known = await self._know(text)
        if known.problem:
            return await self._refused_at_sight(rid, known), known.batch
        if request_no is not None and (again := await self._again(request_no, known)) is not None:
            return again, known.batch
        try:
            await self._journal.intend(
                Intent(
                    rid=rid,
                    code_key=known.key,
                    coupon=known.coupon,
                    stock_id=known.batch.stock_id if known.batch else None,
                    max_uses=known.batch.max_uses if known.batch else 1,
                    total=total,
                    request_no=request_no,
                )
            )
        except Used as err:
            return await self._used_here(rid, known, first_use(err.first)), known.batch
        except Busy:
            return RedeemResult(rid=rid, verdict="refused", reason="busy", batch=_stock(known)), known.batch
        question = Question(
            rid=rid,
            code=known.text,
            store=place.store.id if place.store else "",
            total=total,
            goods=goods,
            own_coupon_applied=own,
        )
        decision = await self._ask(question, known.batch)
        if decision is None:
            return await self._alone(question, known, place, source), known.batch
        return await self._answered(decision, question, known, place, source)

    async def _ask(self, question: Question, batch: Batch | None) -> Decision | None:
        """Ask the hub within the batch's deadline; None when it is away or silent."""
        if self._authority.away:
            return None
        deadline = batch.offline.deadline_ms / 1000 if batch else DEADLINE_S
        try:
            return await self._authority.decide(question, deadline)
        except Silent:
            return None

    async def _know(self, text: str) -> Known:
        """Read a code without asking anybody. A payment code leaves no trace, not even a digest."""
        scan = codes.read(text)
        if isinstance(scan, codes.Payment):
            return Known("", "", None, None, False, "payment_code")
        if isinstance(scan, codes.Signed):
            return await self._know_signed(scan)
        if isinstance(scan, codes.Short):
            return await self._know_short(scan)
        if isinstance(scan, codes.Opaque):
            return Known(scan.text, await self._digest(scan.text), None, None, False)
        return Known("", "", None, None, False, "unreadable")

    async def _know_signed(self, scan: codes.Signed) -> Known:
        keys = await self._journal.keys()
        if scan.code.slot in keys and not codes.verify(scan, keys):
            return Known(scan.text, "", None, None, False, "bad_signature")
        batch = await self._journal.batch_by_number(scan.code.batch)
        return Known(scan.text, scan.code.coupon, scan.code.coupon, batch, scan.code.slot in keys)

    async def _know_short(self, scan: codes.Short) -> Known:
        if (mine := await self._journal.pool_code(scan.text)) is not None:
            stock_id, code = mine
            return Known(scan.text, code.coupon, code.coupon, await self._journal.batch(stock_id), True)
        key = await self._journal.setting("code_key")
        body = (
            await self._journal.code_by_hash(codes.code_hash(bytes.fromhex(key), scan.text)) if key else None
        )
        if body is None:
            return Known(scan.text, await self._digest(scan.text), None, None, False)
        return Known(scan.text, body.coupon, body.coupon, await self._journal.batch(body.stock_id), True)

    async def _digest(self, text: str) -> str:
        key = await self._journal.setting("code_key") or ""
        return "h:" + hashlib.sha256(f"{key}\n{text}".encode()).hexdigest()[:32]

    async def _refused_at_sight(self, rid: str, known: Known) -> RedeemResult:
        if known.problem == "bad_signature":
            await self._journal.deny(rid, reason=known.problem, by="kiosk", coupon=None, stock_id=None)
        return RedeemResult(rid=rid, verdict="refused", reason=known.problem)

    async def _used_here(self, rid: str, known: Known, first: FirstUse) -> RedeemResult:
        await self._journal.deny(rid, reason="used", by="kiosk", coupon=known.coupon, stock_id=_stock(known))
        return RedeemResult(rid=rid, verdict="refused", reason="used", batch=_stock(known), first_use=first)

    async def _again(self, request_no: str, known: Known) -> RedeemResult | None:
        """Return the stored result of a till's request that came before."""
        before = await self._journal.attempt_by_request(request_no)
        if before is None:
            return None
        if known.key not in (before.code_key, before.coupon):
            return RedeemResult(rid=before.rid, verdict="refused", reason="rid_reuse")
        if before.result is None:
            busy: Reason = "busy" if before.state == "open" else "voided"
            return RedeemResult(rid=before.rid, verdict="refused", reason=busy)
        return msgspec.convert(before.result, RedeemResult)

    async def _answered(
        self, decision: Decision, question: Question, known: Known, place: Place, source: str
    ) -> tuple[RedeemResult, Batch | None]:
        batch = await self._journal.batch(decision.stock_id) if decision.stock_id else known.batch
        step = after_answer(decision.status, decision.reason)
        coupon = decision.coupon or known.coupon
        result = RedeemResult(
            rid=question.rid,
            verdict="confirmed" if step.step == "record_confirmed" else "refused",
            reason=step.reason,
            batch=decision.stock_id or _stock(known),
            first_use=decision.first_use,
            threshold=decision.threshold,
            discount=decision.discount,
            goods_tag=decision.goods_tag,
        )
        if step.step == "deny":
            await self._journal.deny(
                question.rid,
                reason=step.reason,
                by="hub",
                coupon=coupon,
                stock_id=result.batch,
                result=_plain(result),
            )
            return result, batch
        try:
            await self._record(question, known, coupon, batch, place, source, result)
        except JournalError as err:
            err.after_ok = True  # type: ignore[attr-defined]  # the hub has taken a use: a person must look
            raise
        except Used as err:
            await self._journal.void(question.rid, "used here under another reading of the code")
            return msgspec.structs.replace(
                result, verdict="refused", reason="used", first_use=first_use(err.first)
            ), batch
        return result, batch

    async def _alone(self, question: Question, known: Known, place: Place, source: str) -> RedeemResult:
        """Decide without the hub, under the batch's policy."""
        ruling, right = await self._own_ruling(question, known, place)
        step = after_silence(ruling.refusal, right)
        accepted = step.step == "record_offline"
        result = RedeemResult(
            rid=question.rid,
            verdict="offline" if accepted else "refused",
            reason=step.reason,
            batch=_stock(known),
            threshold=ruling.threshold,
            discount=ruling.discount if accepted else None,
            goods_tag=ruling.goods_tag if accepted else None,
        )
        if accepted:
            try:
                await self._record(question, known, known.coupon, known.batch, place, source, result)
            except Used as err:
                await self._journal.void(question.rid, "used here meanwhile")
                return msgspec.structs.replace(
                    result, verdict="refused", reason="used", first_use=first_use(err.first)
                )
        else:
            await self._journal.void(
                question.rid,
                f"not accepted without the hub: {step.reason}",
                reason=step.reason,
                result=_plain(result),
            )
        return result

    async def _own_ruling(self, question: Question, known: Known, place: Place) -> tuple[Ruling, Reason]:
        if known.batch is None or not known.proven:
            return Ruling("", "unchecked"), "hub_away"
        trusted = self._clock.trusted()
        ruling = check(
            known.batch,
            now=trusted.at,
            error_s=trusted.error_s,
            store=question.store,
            total=question.total,
            goods=question.goods,
            own_coupon_applied=question.own_coupon_applied,
            lenient=known.batch.offline.policy == "capped",
        )
        standing = Standing(
            exposure=await self._journal.exposure(known.batch.stock_id),
            is_home=place.store is not None and place.store.home_kiosk == place.device,
            lease=None,
            epoch=self._journal.epoch,
            since_sync_s=self._since_sync_s(),
            now=trusted.at,
            error_s=trusted.error_s,
            reconciled=await self._journal.get("unreconciled") is None,
        )
        return ruling, offline_right(known.batch, standing)

    async def _record(
        self,
        question: Question,
        known: Known,
        coupon: str | None,
        batch: Batch | None,
        place: Place,
        source: str,
        result: RedeemResult,
    ) -> None:
        body = {
            "coupon": coupon,
            "stock_id": result.batch,
            "store": question.store,
            "verdict": result.verdict,
            "policy": batch.offline.policy if batch else "",
            "value": batch.value if batch else 0,
            "total": question.total,
            "threshold": result.threshold,
            "source": source,
        }
        await self._journal.record(
            question.rid,
            body=body,
            code_key=known.key,
            store_name=place.store.name if place.store else place.device,
            value=batch.value if batch else 0,
            result=_plain(result),
            max_uses=batch.max_uses if batch else 1,
        )

    # -- words --

    def _told(self, result: RedeemResult, batch: Batch | None, locale: str) -> RedeemResult:
        """Add the sentences for people."""
        now = self._now()
        if result.message:
            return result
        if result.verdict in ("confirmed", "offline"):
            t = words.counter_texts(locale)
            certainty = (
                t("Confirmed by the cloud")
                if result.verdict == "confirmed"
                else t("Accepted here under the batch's rule")
            )
            hint = words.check_hint(batch, locale) if batch and result.threshold == "unchecked" else ""
            return msgspec.structs.replace(result, message=certainty, hint=hint)
        return msgspec.structs.replace(
            result, message=words.for_staff(result.reason, locale, now, batch, result.first_use)
        )

    def _now(self) -> datetime:
        return self._clock.trusted().at

    def _outcome(self, result: RedeemResult, batch: Batch | None, locale: str) -> Outcome:
        """Say it at the counter: the customer's sentence large, the staff's small."""
        t = words.counter_texts(locale)
        if result.verdict in ("confirmed", "offline"):
            given = offer(batch.threshold, batch.value, locale, batch.kind) if batch else ""
            kind: OutcomeKind = "confirmed" if result.verdict == "confirmed" else "accepted"
            return Outcome(
                kind=kind, title=result.message, detail=given, hint=result.hint, rid=result.rid, until_s=10
            )
        if result.verdict == "unknown":
            return Outcome(
                kind="help",
                title=t("Please ask the staff"),
                detail=result.message,
                rid=result.rid,
                reason=result.reason,
                until_s=20,
            )
        kind = "busy" if result.reason == "busy" else "retry" if result.reason in RETRY else "refused"
        return Outcome(
            kind=kind,
            title=words.for_customer(result.reason, locale, self._now(), batch),
            detail=result.message,
            rid=result.rid,
            reason=result.reason,
            until_s=8,
        )


RETRY: frozenset[Reason] = frozenset(
    {"hub_away", "offline_cap", "offline_too_old", "no_lease", "clock_uncertain", "voided", "total_required"}
)
"""Refusals after which the coupon is as good as before."""


def _stock(known: Known) -> str | None:
    return known.batch.stock_id if known.batch else None


def _plain(result: RedeemResult) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(msgspec.json.encode(result))
    return plain
