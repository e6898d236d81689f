"""Layout -> Feie's markup (facts: printing 7.2, 7.3). Neither markup has escaping: data's brackets become full-width ones."""

from __future__ import annotations

from kiosk.printing import layout as lay
from kiosk.printing.columns import columns, pad
from kiosk.printing.profiles import Profile
from kiosk.printing.report import Rendered, Report
from kiosk.printing.slip import Slip

LIMIT = 5000
"""UTF-8 bytes of one order."""
_SAFE = str.maketrans({"<": "＜", ">": "＞", "@": "＠"})


def safe(text: str) -> str:
    """Return a text that is no markup anywhere."""
    return text.translate(_SAFE)


def render(slip: Slip, profile: Profile) -> Rendered:
    """Return one order's content; copies are a parameter of the order, not of its content."""
    laid = lay.lay_out(_safe_slip(slip), profile.width_dots)
    degraded, lost = list(laid.degraded), list(laid.lost)
    out, codes = [], 0
    for block in laid.blocks:
        if isinstance(block, lay.QrBlock):
            codes += 1
            if codes > 1:
                lost.append("Feie prints one QR code an order; the others are left out.")
                continue
        out.append(_markup(block, profile.columns, degraded, lost))
    text = "".join(out)
    if len(text.encode("utf-8")) > LIMIT:
        lost.append(f"the order has {len(text.encode('utf-8'))} bytes, Feie takes {LIMIT}; shorten the slip.")
    return Rendered(
        text.encode("utf-8"), Report(tuple(lost), tuple(dict.fromkeys(degraded)), profile.columns)
    )


def _safe_slip(slip: Slip) -> Slip:
    """Make data safe before the layout: the full-width brackets are two columns wide."""
    import msgspec

    from kiosk.printing.slip import Element, Row, Text

    made: list[Element] = []
    for e in slip.elements:
        match e:
            case Text():
                made.append(msgspec.structs.replace(e, text=safe(e.text)))
            case Row():
                made.append(
                    msgspec.structs.replace(
                        e, cells=tuple(msgspec.structs.replace(c, text=safe(c.text)) for c in e.cells)
                    )
                )
            case _:
                made.append(e)
    return msgspec.structs.replace(slip, elements=tuple(made))


def _markup(block: lay.Block, cols: int, degraded: list[str], lost: list[str]) -> str:
    match block:
        case lay.Line():
            return _line(block, cols, degraded)
        case lay.QrBlock():
            if not block.data.isprintable() or any(c in block.data for c in "<>"):
                lost.append("a QR code with < or > cannot be sent to Feie; it is left out.")
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
    if len(data) <= 14 and not any(c in data for c in "<>"):
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
