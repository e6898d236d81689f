"""Lengths: everything in posters is millimetres from the top left; PDF wants points from the bottom left."""

from __future__ import annotations

PT_PER_MM = 72 / 25.4
SLUG_MM = 7.0  # room for the marks outside the bleed
MARK_MM = 5.0
MARK_GAP_MM = 0.5  # marks begin this far outside the bleed


def pt(mm: float) -> float:
    """Return millimetres as points."""
    return mm * PT_PER_MM


def mm(points: float) -> float:
    """Return points as millimetres."""
    return points / PT_PER_MM
