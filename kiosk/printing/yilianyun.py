"""Layout -> Yilianyun's markup. `<BR>` is a barcode there: the markup of the two clouds is never shared."""

from __future__ import annotations

from kiosk.printing import layout as lay
from kiosk.printing.columns import columns, pad
from kiosk.printing.markup import beyond, can_carry, can_carry_bar, safe
from kiosk.printing.pictures import Pictures
from kiosk.printing.printers.abilities import Abilities
from kiosk.printing.profiles import Profile
from kiosk.printing.report import Rendered, Report
from kiosk.printing.slip import Slip

CAN = Abilities(
    same_key_s=7200,
    cancels=True,
    clears=True,
    lists=True,
    calls_back=True,
    most=32_767,
    unit="characters",
    copies="tag",
)
"""Facts: cloud-printers 3.4, 3.5, 3.7, 4.1; version 2 publishes no longest order."""
TAGS = 25
"""`<center>`, `<right>` and tables are understood 25 times a print; beyond that we pad with spaces."""
QR_MOST = 192
"""Latin characters of a QR code; a Chinese one counts as two (facts: cloud-printers 3.7)."""


def render(slip: Slip, profile: Profile, pictures: Pictures | None = None) -> Rendered:
    """Return the content of one print; pictures are stored in the device."""
    laid = lay.lay_out(slip, profile.width_dots, safe)
    work = _Work(profile.columns)
    cannot, other = beyond(slip, laid.blocks, CAN, "Yilianyun")
    head = f"<MN>{slip.copies}</MN>" if slip.copies > 1 else ""
    body = "".join(work.markup(block) for block in laid.blocks)
    report = Report(
        (*laid.lost, *work.lost, *cannot),
        tuple(dict.fromkeys((*laid.degraded, *work.degraded, *other))),
        profile.columns,
    )
    return Rendered((head + body).encode("utf-8"), report)


def _weight(data: str) -> int:
    return sum(1 if c.isascii() else 2 for c in data)


class _Work:
    """Counts the tags that are only understood so often."""

    def __init__(self, cols: int) -> None:
        self.cols, self.tags = cols, 0
        self.lost: list[str] = []
        self.degraded: list[str] = []

    def markup(self, block: lay.Block) -> str:
        """Return one block."""
        match block:
            case lay.Line():
                return self._line(block)
            case lay.QrBlock():
                return self._qr(block)
            case lay.BarBlock():
                return self._bar(block.data)
            case lay.FeedBlock():
                return "\n" * block.lines
            case lay.CutBlock():
                return ""
            case lay.DrawerBlock():
                return ""
            case lay.LogoBlock():
                self.degraded.append(
                    "Yilianyun prints the logo that is stored in the device, at the start only."
                )
                return ""

    def _qr(self, block: lay.QrBlock) -> str:
        if not can_carry(block.data) or _weight(block.data) > QR_MOST:
            self.lost.append(
                f"a QR code with <, >, @@ or control characters, or longer than {QR_MOST} characters, cannot be sent to Yilianyun; it is left out."
            )
            return ""
        self.degraded.append("Yilianyun chooses the size and level of QR codes.")
        return f"<QR>{block.data}</QR>\n"

    def _bar(self, data: str) -> str:
        if data.isdigit() and len(data) <= (25 if len(data) % 2 else 28):
            return f"<BR3>{data}</BR3>\n"
        if len(data) <= 14 and can_carry_bar(data):
            return f"<BR2>{data}</BR2>\n"
        self.lost.append(
            f"the barcode {data!r} is none that Yilianyun prints (25 or 28 digits, or 14 characters but <, >, @@, {{); its text is printed alone."
        )
        return ""

    def _line(self, line: lay.Line) -> str:
        text = line.text
        if line.underline:
            self.degraded.append("Yilianyun has no underline.")
        shown = text
        if line.bold:
            shown = f"<FB>{shown}</FB>"
        size = {(2, 2): "FS2", (2, 1): "FW2", (1, 2): "FH2"}.get((line.width, line.height))
        if size:
            shown = f"<{size}>{shown}</{size}>"
        if line.align == "left":
            return f"{shown}\n"
        if self.tags < TAGS:
            self.tags += 1
            tag = "center" if line.align == "center" else "right"
            return f"<{tag}>{shown}</{tag}>\n"
        room = self.cols - columns(text) * line.width
        return pad("", room // (2 if line.align == "center" else 1), "left") + f"{shown}\n"
