"""Figures of a benchmark: median and 99th percentile, a ratio to the peer first."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def p99(values: Sequence[float]) -> float:
    """Return the 99th percentile (nearest rank)."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, round(0.99 * len(ranked)))]


def shown(
    name: str, values: Sequence[float], unit: str, peer: Sequence[float] | None = None, bar: str = ""
) -> str:
    """Return one line: ratio of medians to the peer, median, p99, the bar of the design."""
    middle = statistics.median(values)
    ratio = f"{middle / statistics.median(peer):6.2f} x peer  " if peer else " " * 15
    told = f"{ratio}{name:<44} median {middle:9.2f} {unit}  p99 {p99(values):9.2f} {unit}  n={len(values)}"
    return f"{told}  bar: {bar}" if bar else told
