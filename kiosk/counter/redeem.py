"""A coupon is scanned: from the text to the verdict, with nothing claimed that is not durable (facts: sync-fleet A4)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from kiosk.clock import Clock
from kiosk.counter import tell
from kiosk.counter.attempt import Try, again
from kiosk.counter.authority import Authority, Decision, ShutOut, Silent
from kiosk.counter.know import Knower
from kiosk.counter.loose import REPLACED, LooseEnds, Unrecorded
from kiosk.counter.repeats import Repeats
from kiosk.counter.result import Ended, Place, RedeemResult, Scan
from kiosk.coupons.ids import new_rid
from kiosk.coupons.machine import SHUT_OUT, Lease, Standing, after_answer, after_silence, offline_right
from kiosk.coupons.rules import Ruling, check
from kiosk.coupons.verdict import Goods, Reason
from kiosk.events import Bus
from kiosk.journal.errors import JournalError
from kiosk.journal.rows import Busy, Replaced, Used
from kiosk.journal.store import Journal

__all__ = ["Place", "RedeemResult", "Redeemer"]

log = logging.getLogger(__name__)
DEADLINE_S = 1.5
"""Where the batch is not known, and so not its own deadline (facts: sync-fleet A3)."""


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
        self._knower, self._loose, self._repeats = Knower(journal), LooseEnds(journal), Repeats(clock)
        self._alone = asyncio.Lock()
        """Caps are read and used up under one hand, or two scanners would share the last allowance."""
        self._requests: dict[str, tuple[str, asyncio.Future[RedeemResult]]] = {}

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
        """Redeem a code and tell everybody at the counter.

        A till that repeats a `request_no` gets the first one's result, also while that is under way.
        """
        scan = Scan(
            text=text, source=source, total=total, goods=tuple(goods), own_coupon_applied=own_coupon_applied,
            request_no=request_no,
        )  # fmt: skip
        if request_no is None:
            return await self._redeem(scan)
        if (first := self._requests.get(request_no)) is not None:
            return await self._join(*first, scan)
        future: asyncio.Future[RedeemResult] = asyncio.get_running_loop().create_future()
        self._requests[request_no] = (text, future)
        result = RedeemResult(rid=new_rid(), verdict="refused", reason="voided")
        try:
            result = await self._redeem(scan)
            return result
        finally:
            del self._requests[request_no]
            future.set_result(result)

    async def _join(self, text: str, first: asyncio.Future[RedeemResult], scan: Scan) -> RedeemResult:
        """Give a repeated request the result of the one that is under way."""
        if text == scan.text:
            return await asyncio.shield(first)
        refused = Ended(RedeemResult(rid=new_rid(), verdict="refused", reason="rid_reuse"))
        return tell.told(refused, (await self._place()).locale, self._clock.trusted().at)

    async def _redeem(self, scan: Scan) -> RedeemResult:
        place = await self._place()
        try:
            ended = await self._judge(scan, place)
        except JournalError as err:
            log.warning("the journal cannot even be read: %s", err)
            ended = Ended(RedeemResult(rid=new_rid(), verdict="refused", reason="store_full"))
        except Exception:
            self._bus.publish(tell.ask_staff(place.locale))
            raise
        now = self._clock.trusted().at
        told = tell.told(ended, place.locale, now)
        self._bus.publish(tell.outcome(Ended(told, ended.batch), place.locale, now))
        return told

    async def rollback(self, of: str, why: str, by: str) -> bool:
        """Undo a redemption of this kiosk; False when there is none."""
        return await self._journal.rollback(of, new_rid(), why, by)

    # -- the path --

    async def _judge(self, scan: Scan, place: Place) -> Ended:
        """Take a scan to its end. What the journal cannot take was not given, but for what the hub has accepted."""
        known = await self._knower.know(scan.text)
        attempt = Try(new_rid(), scan, known, place)
        try:
            return await self._guarded(attempt)
        except Unrecorded as err:
            log.warning("the hub has accepted attempt %s, which is not recorded: %s", err.rid, err)
            unknown = RedeemResult(rid=err.rid, verdict="unknown", reason="store_full", batch=known.stock_id)
            return Ended(unknown, known.batch)
        except JournalError as err:
            log.warning("nothing was redeemed: %s", err)
            return Ended(attempt.refused("store_full"), known.batch)

    async def _guarded(self, attempt: Try) -> Ended:
        """Pass the local guard, make the attempt durable, then decide it."""
        known = attempt.known
        if known.problem:
            return await self._refused_at_sight(attempt)
        if attempt.scan.request_no is not None:
            before = await self._journal.attempt_by_request(attempt.scan.request_no)
            if before is not None:
                return Ended(again(before, known), known.batch)
        try:
            if (finished := await self._loose.mend(known.key)) is not None:
                return Ended(msgspec.convert(finished, RedeemResult), known.batch)
            await self._journal.intend(attempt.intent())
        except Used as err:
            return await self._used_here(attempt, err)
        except Replaced:
            return await self._refused_here(attempt, "replaced")
        except Busy:
            return Ended(attempt.refused("busy"), known.batch)
        try:
            decision = await self._ask(attempt)
            if decision is not None:
                return await self._answered(attempt, decision)
            async with self._alone:
                return await self._decide_alone(attempt)
        except BaseException:
            self._loose.keep(attempt.rid)
            raise

    async def _ask(self, attempt: Try) -> Decision | None:
        """Ask the hub within the batch's deadline; None when it is away or silent, or does not let this kiosk in.

        The last is durable before anything else: nothing is decided alone from then on, however soon the hub is out of reach.
        """
        if self._authority.away:
            return None
        lease, batch = await self._lease(attempt), attempt.known.batch
        deadline = batch.offline.deadline_ms / 1000 if batch else DEADLINE_S
        try:
            return await self._authority.decide(attempt.question(lease.id if lease else None), deadline)
        except Silent:
            return None
        except ShutOut as err:
            log.warning("the hub does not let this kiosk in: %s", err)
            await self._journal.put("unreconciled", SHUT_OUT)
            return None

    async def _answered(self, attempt: Try, decision: Decision) -> Ended:
        known = attempt.known
        batch = await self._journal.batch(decision.stock_id) if decision.stock_id else known.batch
        coupon = decision.coupon or known.coupon
        step = after_answer(decision.status, decision.reason)
        accepted = step.step == "record_confirmed"
        result = RedeemResult(
            rid=attempt.rid,
            verdict="confirmed" if accepted else "refused",
            reason=step.reason,
            batch=decision.stock_id or known.stock_id,
            first_use=decision.first_use,
            threshold=decision.threshold,
            discount=decision.discount,
            goods_tag=decision.goods_tag,
        )
        if not accepted:
            closing = self._journal.deny(
                attempt.rid, reason=step.reason, by="hub", coupon=coupon, stock_id=result.batch, result=result.plain()
            )  # fmt: skip
            await self._loose.close(attempt.rid, closing)
            return Ended(result, batch)
        record = attempt.record(result, msgspec.structs.replace(known, coupon=coupon, batch=batch))
        try:
            await self._loose.record(attempt.rid, known.key, record)
        except Used as err:
            await self._journal.void(attempt.rid, "used here under another reading of the code")
            return Ended(attempt.used(err), batch)
        except Replaced:
            await self._journal.void(attempt.rid, REPLACED, reason="replaced")
            return Ended(attempt.refused("replaced"), batch)
        return Ended(result, batch)

    async def _decide_alone(self, attempt: Try) -> Ended:
        """Decide without the hub, under the batch's policy."""
        known = attempt.known
        lease = await self._lease(attempt)
        ruling, right = await self._own_ruling(attempt, lease)
        step = after_silence(ruling.refusal, right)
        accepted = step.step == "record_offline"
        result = RedeemResult(
            rid=attempt.rid,
            verdict="offline" if accepted else "refused",
            reason=step.reason,
            batch=known.stock_id,
            threshold=ruling.threshold,
            discount=ruling.discount if accepted else None,
            goods_tag=ruling.goods_tag if accepted else None,
        )
        if not accepted:
            why = f"not accepted without the hub: {step.reason}"
            closing = self._journal.void(attempt.rid, why, reason=step.reason, result=result.plain())
            await self._loose.close(attempt.rid, closing)
            return Ended(result, known.batch)
        try:
            record = attempt.record(result, known, lease.id if lease else None)
            await self._journal.record(attempt.rid, **record)
        except Used as err:
            await self._journal.void(attempt.rid, "used here meanwhile")
            return Ended(attempt.used(err), known.batch)
        except Replaced:
            await self._journal.void(attempt.rid, REPLACED, reason="replaced")
            return Ended(attempt.refused("replaced"), known.batch)
        return Ended(result, known.batch)

    async def _lease(self, attempt: Try) -> Lease | None:
        batch = attempt.known.batch
        if batch is None or batch.offline.policy != "lease":
            return None
        return await self._journal.lease(batch.stock_id, attempt.known.coupon or "")

    async def _own_ruling(self, attempt: Try, lease: Lease | None) -> tuple[Ruling, Reason]:
        """Judge by the batch's rules and by what this kiosk may do alone."""
        batch, scan, place = attempt.known.batch, attempt.scan, attempt.place
        owed = await self._journal.get("unreconciled")
        if batch is None or not attempt.known.proven:
            return Ruling("", "unchecked"), "shut_out" if owed == SHUT_OUT else "hub_away"
        trusted = self._clock.trusted()
        ruling = check(
            batch,
            now=trusted.at,
            error_s=trusted.error_s,
            store=place.store_id,
            total=scan.total,
            goods=scan.goods,
            own_coupon_applied=scan.own_coupon_applied,
            lenient=batch.offline.policy == "capped",
        )
        since = self._since_sync_s()
        standing = Standing(
            exposure=await self._journal.exposure(batch.stock_id),
            is_home=batch.offline.policy == "home" and await self._is_home(attempt),
            lease=lease,
            epoch=self._journal.epoch,
            since_sync_s=since,
            signed=attempt.known.signed,
            unclean=self._journal.unclean and since is None,
            now=trusted.at,
            error_s=trusted.error_s,
            reconciled=not place.suspended and owed is None,
            shut_out=owed == SHUT_OUT,
        )
        return ruling, offline_right(batch, standing)

    async def _is_home(self, attempt: Try) -> bool:
        coupon = attempt.known.coupon
        return coupon is not None and await self._journal.is_home_of(coupon, attempt.place.device)

    # -- refusals before an attempt --

    async def _refused_at_sight(self, attempt: Try) -> Ended:
        known = attempt.known
        if known.problem == "cash_voucher" and known.batch is not None:
            return Ended(attempt.voucher(known.batch), known.batch)
        if known.problem == "bad_signature" and self._repeats.first(f"bad_signature {known.text}"):
            await self._journal.deny(
                attempt.rid, reason=known.problem, by="kiosk", coupon=None, stock_id=None
            )
        return Ended(attempt.refused(known.problem), known.batch)

    async def _used_here(self, attempt: Try, err: Used) -> Ended:
        ended = await self._refused_here(attempt, "used")
        return Ended(attempt.used(err), ended.batch)

    async def _refused_here(self, attempt: Try, reason: Reason) -> Ended:
        """Refuse what this kiosk's own books rule out; the same code held to the scanner is noted once."""
        known = attempt.known
        if self._repeats.first(f"{reason} {known.key}"):
            await self._journal.deny(
                attempt.rid, reason=reason, by="kiosk", coupon=known.coupon, stock_id=known.stock_id
            )
        return Ended(attempt.refused(reason), known.batch)
