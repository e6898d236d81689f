"""Layout -> Feie's markup (facts: printing 7.2, 7.3). Neither markup has escaping: data's brackets become full-width ones."""

from __future__ import annotations

from kiosk.printing import layout as lay
from kiosk.printing.columns import columns, pad
from kiosk.printing.markup import beyond, can_carry, can_carry_bar, safe
from kiosk.printing.pictures import Pictures
from kiosk.printing.printers.abilities import Abilities
from kiosk.printing.profiles import Profile
from kiosk.printing.report import Rendered, Report
from kiosk.printing.slip import Slip

CAN = Abilities(expires=True, clears=True, calls_back=True, most=5000, cuts=True, opens_drawer=True)
"""Facts: cloud-printers 2.2, 2.6, 4.1."""


def render(slip: Slip, profile: Profile, pictures: Pictures | None = None) -> Rendered:
    """Return one order's content; copies are a parameter of the order, pictures are stored in the device."""
    laid = lay.lay_out(slip, profile.width_dots, safe)
    cannot, other = beyond(slip, laid.blocks, CAN, "Feie")
    degraded, lost = [*laid.degraded, *other], [*laid.lost, *cannot]
    out, codes = [], 0
    for block in laid.blocks:
        if isinstance(block, lay.QrBlock):
            codes += 1
            if codes > 1:
                lost.append("Feie prints one QR code an order; the others are left out.")
                continue
        out.append(_markup(block, profile.columns, degraded, lost))
    data = "".join(out).encode("utf-8")
    if (told := CAN.too_long("Feie", data)) is not None:
        lost.append(f"{told}.")
    return Rendered(data, Report(tuple(dict.fromkeys(lost)), tuple(dict.fromkeys(degraded)), profile.columns))


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
    if len(data) <= 14 and can_carry_bar(data):
        return f"<BC128_B>{data}</BC128_B>"
    lost.append(
        f"the barcode {data!r} is none that Feie prints (22 digits, or 14 characters but <, >, @@, {{); its text is printed alone."
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
