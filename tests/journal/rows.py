"""Attempts and redemptions as the tests of the journal make them."""

from __future__ import annotations

from typing import Any

from kiosk.coupons.record import ItemVerdict, PoolCode
from kiosk.journal.rows import Intent
from kiosk.journal.store import Journal


def intent(rid: str, coupon: str | None = "1-1", key: str = "", **more: Any) -> Intent:
    return Intent(rid=rid, code_key=key or coupon or rid, coupon=coupon, stock_id="S1", **more)


def body(
    coupon: str | None = "1-1", verdict: str = "confirmed", value: int = 300, **more: Any
) -> dict[str, Any]:
    return {
        "coupon": coupon,
        "stock_id": "S1",
        "store": "S0001",
        "verdict": verdict,
        "policy": "capped",
        "value": value,
        "total": None,
        "threshold": "unchecked",
        "source": "test",
        **more,
    }


async def redeem(
    journal: Journal, rid: str, coupon: str = "1-1", verdict: str = "confirmed", value: int = 300
) -> int:
    await journal.intend(intent(rid, coupon))
    return await journal.record(
        rid,
        body=body(coupon, verdict, value),
        code_key=coupon,
        store_name="老王便利店",
        value=value,
        result={"rid": rid, "verdict": verdict},
    )


async def upload_all(journal: Journal, status: str = "accepted") -> int:
    """Acknowledge what waits, as a hub would; return the rows."""
    count = 0
    while (run := await journal.pending()) is not None:
        verdicts = [ItemVerdict(i.seq, status) for i in run.items]  # type: ignore[arg-type]
        await journal.acknowledge(run.epoch, run.items[-1].seq, verdicts)
        count += len(run.items)
    return count


def codes(n: int, first: int = 1) -> list[PoolCode]:
    return [PoolCode(f"2-{i}", f"C1:{i}", f"A{i:011}") for i in range(first, first + n)]
