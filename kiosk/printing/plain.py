"""Layout -> text: for logs, e-mail and eyes."""

from __future__ import annotations

from kiosk.printing import layout as lay
from kiosk.printing.columns import pad
from kiosk.printing.profiles import Profile
from kiosk.printing.report import Rendered, Report
from kiosk.printing.slip import Slip


def render(slip: Slip, profile: Profile) -> Rendered:
    """Return a slip as text; codes stand as their content."""
    laid = lay.lay_out(slip, profile.width_dots)
    lines = [line for block in laid.blocks for line in _lines(block, profile.columns)]
    text = "\n".join([*lines, ""]) * slip.copies
    return Rendered(text.encode("utf-8"), Report(laid.lost, laid.degraded, profile.columns))


def _lines(block: lay.Block, columns: int) -> list[str]:
    match block:
        case lay.Line():
            return [pad(block.text, columns // block.width, block.align).rstrip()]
        case lay.QrBlock():
            return [pad(f"[QR {block.data}]", columns, "center").rstrip()]
        case lay.BarBlock():
            return [pad(f"[CODE128 {block.data}]", columns, "center").rstrip()]
        case lay.FeedBlock():
            return [""] * block.lines
        case lay.CutBlock():
            return ["- " * (columns // 2)]
        case lay.DrawerBlock():
            return [f"[drawer {block.pin}]"]
        case lay.LogoBlock():
            return [f"[logo {block.name}]"]
