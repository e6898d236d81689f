"""Batches as they stand at this counter, slips handed out, a batch hidden."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from kiosk.counter import records
from kiosk.counter.giving import MOST, give_each
from kiosk.coupons.batch import BatchStatus, Kind, Policy, Product
from kiosk.health.model import told
from kiosk.web.api.operation import Call, operation
from kiosk.web.api.printing import JobPath
from kiosk.web.api.problems import Problem

Stock = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z_-]{1,32}$")]


Outcome = Literal[
    "printed", "failed", "unknown", "cooling", "limit", "empty", "closed", "error", "settled", "used", "busy"
]
"""The words of `kiosk.counter.hand_out.HandOutResult`."""


class StockPath(msgspec.Struct, frozen=True):
    """One batch."""

    stock_id: Stock


class BatchState(msgspec.Struct, frozen=True, kw_only=True):
    """A batch as it stands here; value and threshold in fen."""

    stock_id: str
    name: str
    product: Product
    kind: Kind
    value: int
    threshold: int
    begins: datetime
    ends: datetime
    status: BatchStatus
    claimed_today: int
    redeemed_today: int
    left: int | None
    """Coupons that can still be claimed; null: not limited."""
    pool: int | None
    """Slip codes ready here; null: not a batch of slips."""
    offline: Policy
    allowance: int | None
    """Uses left while the cloud is away; null: not limited in number, or see `offline`."""
    value_left: int | None
    """Their value left in fen; null: not limited."""
    hidden: bool
    """Not offered at this counter."""


class Batches(msgspec.Struct, frozen=True):
    """The batches that run."""

    batches: tuple[BatchState, ...]


class GiveAsk(msgspec.Struct, frozen=True):
    """POST /api/v1/batches/{stock_id}/hand-out."""

    n: Annotated[int, msgspec.Meta(ge=1, le=MOST)] = 1


class Given(msgspec.Struct, frozen=True):
    """How handing out ended, and how many slips were printed of those asked for."""

    outcome: Outcome
    """Of the last slip. Nothing was given: `empty` (no codes), `closed` (the batch gives none), `settled` (no doubt about
    that slip), `used` (its code was redeemed), `busy`, and `cooling`, `limit` and `error` as at the button."""
    printed: int
    asked: int
    rids: tuple[str, ...]
    """One for each code that was taken from the pool."""


class HideAsk(msgspec.Struct, frozen=True):
    """POST /api/v1/batches/{stock_id}/hide: away from this counter, or offered again."""

    away: bool


class Hidden(msgspec.Struct, frozen=True):
    """Whether a batch is hidden at this counter."""

    stock_id: str
    hidden: bool


@operation("GET", "batches", "read")
async def batches(call: Call) -> Batches:
    """List the batches that run, with what happened to them here today and what is left offline."""
    found = await records.standings(call.services.journal, call.services.clock)
    return Batches(tuple(_state(s) for s in found))


def _state(s: records.Standing) -> BatchState:
    b = s.batch
    return BatchState(
        stock_id=b.stock_id,
        name=b.name,
        product=b.product,
        kind=b.kind,
        value=b.value,
        threshold=b.threshold,
        begins=b.begins,
        ends=b.ends,
        status=b.status,
        claimed_today=s.claimed,
        redeemed_today=s.redeemed,
        left=b.left,
        pool=s.pool,
        offline=b.offline.policy,
        allowance=s.allowance,
        value_left=s.value_left,
        hidden=s.hidden,
    )


async def _known(call: Call, stock_id: str) -> None:
    if await call.services.journal.batch(stock_id) is None:
        raise Problem("unknown_batch", told("there is no batch {stock_id} here.", stock_id=stock_id))


@operation("POST", "batches/{stock_id}/hand-out", "print", "unknown_batch")
async def hand_out(call: Call, path: StockPath, body: GiveAsk) -> Given:
    """Print fresh slip coupons, one after the other; stop at the first that does not come out."""
    await _known(call, path.stock_id)
    rids: list[str] = []
    printed = 0
    outcome: Outcome = "closed"
    async for given in give_each(call.services.hand_out, path.stock_id, body.n):
        outcome = given.outcome
        printed += outcome == "printed"
        if given.rid:
            rids.append(given.rid)
            await call.note("hand_out", given.rid)
    return Given(outcome, printed, body.n, tuple(rids))


@operation("POST", "jobs/{job}/new-code", "print")
async def new_code(call: Call, path: JobPath) -> Given:
    """Give a new code for a slip of which nobody knows whether it came out; the old code is void before the new one is on paper."""
    given = await call.services.hand_out.replace(path.job)
    if given.rid:
        await call.note("new_code", given.rid)
    return Given(given.outcome, int(given.outcome == "printed"), 1, (given.rid,) if given.rid else ())


@operation("POST", "batches/{stock_id}/hide", "manage", "unknown_batch", again="repeat")
async def hide(call: Call, path: StockPath, body: HideAsk) -> Hidden:
    """Offer a batch at this counter no more, or again; coupons that customers have are redeemed all the same."""
    await _known(call, path.stock_id)
    await records.hide(call.services.journal, call.services.bus, path.stock_id, body.away)
    await call.note("hide" if body.away else "offer", path.stock_id)
    return Hidden(path.stock_id, body.away)
