"""Layout -> text: for logs, e-mail and eyes."""

from __future__ import annotations

from kiosk.printing import columns as col
from kiosk.printing import layout as lay
from kiosk.printing.pictures import Pictures
from kiosk.printing.profiles import Profile
from kiosk.printing.report import Rendered, Report
from kiosk.printing.slip import Slip

ALIGNED = {"left": 0, "center": 1, "right": 2}
"""Halves of the free room that stand before a line."""


def render(slip: Slip, profile: Profile, pictures: Pictures | None = None) -> Rendered:
    """Return a slip as text; codes stand as their content."""
    laid = lay.lay_out(slip, profile.width_dots)
    lines = [line for block in laid.blocks for line in _lines(block, profile.columns)]
    text = "\n".join([*lines, ""]) * slip.copies
    return Rendered(text.encode("utf-8"), Report(laid.lost, laid.degraded, profile.columns))


def _lines(block: lay.Block, columns: int) -> list[str]:
    match block:
        case lay.Line():
            room = columns - col.columns(block.text) * block.width
            return [" " * (room * ALIGNED[block.align] // 2) + block.text]
        case lay.QrBlock():
            return [col.pad(f"[QR {block.data}]", columns, "center").rstrip()]
        case lay.BarBlock():
            return [col.pad(f"[CODE128 {block.data}]", columns, "center").rstrip()]
        case lay.FeedBlock():
            return [""] * block.lines
        case lay.CutBlock():
            return ["- " * (columns // 2)]
        case lay.DrawerBlock():
            return [f"[drawer {block.pin}]"]
        case lay.LogoBlock():
            return [f"[logo {block.name}]"]
