"""Which items of a journal are lost, by what its kiosk still has and what the hub has. Pure (facts: sync-fleet A2 P6, A7)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from kiosk.sync.protocol import Ended

Runs = list[list[int]]


def missing(first: int, last: int, kept: tuple[tuple[int, int], ...]) -> Runs:
    """Return the runs of numbers from first to last that are in no run of kept."""
    found, at = [], first
    for begin, end in sorted(kept):
        if begin > at and at <= last:
            found.append([at, min(begin - 1, last)])
        at = max(at, end + 1)
    return [*found, [at, last]] if at <= last else found


def without(kept: tuple[tuple[int, int], ...], other: Collection[int]) -> tuple[tuple[int, int], ...]:
    """Return the runs without some numbers."""
    found = list(kept)
    for n in other:
        found = [
            run
            for begin, end in found
            for run in (((begin, n - 1), (n + 1, end)) if begin <= n <= end else ((begin, end),))
            if run[0] <= run[1]
        ]
    return tuple(found)


def told(seq: int, ended: Ended, hashes: Mapping[int, str]) -> dict[str, Runs]:
    """Return what is lost of an epoch that the hub has up to `seq`; `hashes`: those that the hub has, by number.

    `lost`: items that the kiosk has no more and the hub has; `gone`: items that nobody has. What was forgotten in order, before
    the first item that is kept, is not lost.
    """
    kept = without(ended.kept, [n for n, mark in ended.marks if hashes.get(n, mark) != mark])
    first = min((begin for begin, _ in kept), default=1)
    last = max(ended.had, *(end for _, end in kept), 0)
    named = {"lost": missing(first, seq, kept), "gone": missing(seq + 1, last, kept)}
    return {name: found for name, found in named.items() if found}
