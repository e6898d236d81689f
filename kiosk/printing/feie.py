"""Layout -> Feie's markup (facts: printing 7.2, 7.3). Neither markup has escaping: data's brackets become full-width ones."""

from __future__ import annotations

from kiosk.printing import layout as lay
from kiosk.printing.columns import columns, pad
from kiosk.printing.pictures import Pictures
from kiosk.printing.profiles import Profile
from kiosk.printing.report import Rendered, Report
from kiosk.printing.slip import Slip

LIMIT = 5000
"""UTF-8 bytes of one order."""
_SAFE = str.maketrans({"<": "＜", ">": "＞", "@": "＠"})
"""Full-width signs: two columns wide, so they stand in before anything is measured."""


def safe(text: str) -> str:
    """Return a text that is no markup anywhere."""
    return text.translate(_SAFE)


def render(slip: Slip, profile: Profile, pictures: Pictures | None = None) -> Rendered:
    """Return one order's content; copies are a parameter of the order, pictures are stored in the device."""
    laid = lay.lay_out(slip, profile.width_dots, safe)
    degraded, lost = list(laid.degraded), list(laid.lost)
    out, codes = [], 0
    for block in laid.blocks:
        if isinstance(block, lay.QrBlock):
            codes += 1
            if codes > 1:
                lost.append("Feie prints one QR code an order; the others are left out.")
                continue
        out.append(_markup(block, profile.columns, degraded, lost))
    data = "".join(out).encode("utf-8")
    if len(data) > LIMIT:
        lost.append(f"the order has {len(data)} bytes, Feie takes {LIMIT}; shorten the slip.")
    if slip.copies > 1:
        degraded.append("copies are a parameter of the order (times), not of this content.")
    return Rendered(data, Report(tuple(dict.fromkeys(lost)), tuple(dict.fromkeys(degraded)), profile.columns))


def can_carry(data: str) -> bool:
    """Tell whether a code's content survives markup that has no escaping."""
    return data.isprintable() and not any(c in data for c in "<>") and "@@" not in data


def _markup(block: lay.Block, cols: int, degraded: list[str], lost: list[str]) -> str:
    match block:
        case lay.Line():
            return _line(block, cols, degraded)
        case lay.QrBlock():
            if not can_carry(block.data):
                lost.append(
                    "a QR code with <, >, @@ or control characters cannot be sent to Feie; it is left out."
                )
                return ""
            degraded.append("Feie chooses the size and level of QR codes.")
            return f"<QR>{block.data}</QR>"
        case lay.BarBlock():
            return _bar(block.data, lost)
        case lay.FeedBlock():
            return "<BR>" * block.lines
        case lay.CutBlock():
            return "<CUT>"
        case lay.DrawerBlock():
            return "<PLUGIN>"
        case lay.LogoBlock():
            degraded.append("Feie prints the logo that is stored in the device.")
            return "<LOGO>"


def _bar(data: str, lost: list[str]) -> str:
    if data.isdigit() and len(data) <= 22:
        return f"<BC128_C>{data}</BC128_C>"
    if len(data) <= 14 and can_carry(data):
        return f"<BC128_B>{data}</BC128_B>"
    lost.append(
        f"the barcode {data!r} is longer than Feie prints (22 digits or 14 characters); its text is printed alone."
    )
    return ""


def _line(line: lay.Line, cols: int, degraded: list[str]) -> str:
    text = line.text
    if line.underline:
        degraded.append("Feie has no underline.")
    if line.bold:
        text = f"<BOLD>{text}</BOLD>"
    size = {(2, 2): "B", (2, 1): "W", (1, 2): "L"}.get((line.width, line.height), "")
    if line.align == "center" and size == "B":
        return f"<CB>{text}</CB><BR>"
    if size:
        text = f"<{size}>{text}</{size}>"
    if line.align == "center":
        return f"<C>{text}</C><BR>"
    if line.align == "right":
        return (
            f"<RIGHT>{text}</RIGHT><BR>"
            if size
            else f"{pad('', cols - columns(line.text), 'left')}{text}<BR>"
        )
    return f"{text}<BR>"
