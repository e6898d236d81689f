"""What the markups of all clouds share. None has escaping: data's signs become full-width ones, two columns wide, before anything is measured."""

from __future__ import annotations

from kiosk.printing import layout as lay
from kiosk.printing.printers.abilities import Abilities
from kiosk.printing.slip import Slip

_SAFE = str.maketrans({"<": "＜", ">": "＞", "@": "＠"})


def safe(text: str) -> str:
    """Return a text that is no markup anywhere."""
    return text.translate(_SAFE)


def can_carry(data: str) -> bool:
    """Tell whether a code's content survives markup that has no escaping."""
    return data.isprintable() and not any(c in data for c in "<>") and "@@" not in data


def can_carry_bar(data: str) -> bool:
    """Tell whether a barcode's content does: behind the markup is `GS k`, where `{` begins another subset."""
    return can_carry(data) and "{" not in data


def beyond(
    slip: Slip, blocks: tuple[lay.Block, ...], can: Abilities, cloud: str
) -> tuple[list[str], list[str]]:
    """Return what of a slip a cloud does not do, lost and degraded."""
    lost: list[str] = []
    degraded: list[str] = []
    if not can.cuts and any(isinstance(b, lay.CutBlock) for b in blocks):
        degraded.append(f"{cloud} cuts by itself at the end.")
    if not can.opens_drawer and any(isinstance(b, lay.DrawerBlock) for b in blocks):
        lost.append(f"{cloud} cannot open a drawer from a print.")
    if can.copies == "param" and slip.copies > 1:
        degraded.append(f"copies are a parameter of the order at {cloud}, not of this content.")
    return lost, degraded
