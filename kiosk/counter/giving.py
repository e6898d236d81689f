"""Several slips at one tap, one after the other."""

from __future__ import annotations

from collections.abc import AsyncIterator

from kiosk.counter.hand_out import HandOut, HandOutResult

MOST = 20
"""Slips at one tap: a metre and a half of paper."""


async def give_each(hand_out: HandOut, stock_id: str, n: int) -> AsyncIterator[HandOutResult]:
    """Hand out up to n slips of a batch; the first that does not come out is the last."""
    for _ in range(n):
        given = await hand_out.give(stock_id)
        yield given
        if given.outcome != "printed":
            return
