"""Feie's tags as the firmware executes them (facts: cloud-printers 2.6). Unknown tags are printed as they are."""

from __future__ import annotations

import re

from simulators.common_markup import LOGO, Pen

PAIRED: dict[str, dict[str, int | bool]] = {
    "C": {"align": 1},
    "RIGHT": {"align": 2},
    "BOLD": {"bold": True},
    "L": {"height": 2},
    "W": {"width": 2},
    "B": {"width": 2, "height": 2},
    "CB": {"align": 1, "width": 2, "height": 2},
}
BARCODES = {
    "BC128_A": ("B", r"[0-9A-Z]{1,14}"),
    "BC128_B": ("B", r"[ -~]{1,14}"),
    "BC128_C": ("C", r"\d{1,22}"),
}
"""Digits and capitals are the same characters in subsets A and B."""
SILENT = ("AUDIO-REFUND", "AUDIO-CANCEL")
_TOKEN = re.compile(r"<(QR|BC128_[ABC])>(.*?)</\1>|<(/?)([A-Z0-9_-]+)>", re.DOTALL)


def execute(content: str) -> bytes:
    """Return what reaches the print head."""
    pen, codes, at = Pen(), 0, 0
    for token in _TOKEN.finditer(content):
        pen.text(content[at : token.start()])
        at = token.end()
        if (kind := token[1]) is None:
            _tag(pen, token[4], bool(token[3]), token[0])
        elif kind == "QR":
            codes += 1
            if codes == 1:  # at most one an order
                pen.qr(token[2])
        else:
            subset, form = BARCODES[kind]
            if re.fullmatch(form, token[2]):  # real printers print nothing when it does not fit
                pen.code128(subset, token[2])
    pen.text(content[at:])
    if pen.out and not pen.out.endswith(b"\n"):
        pen.line()
    return bytes(pen.out)


def _tag(pen: Pen, name: str, closing: bool, literal: str) -> None:
    if name in PAIRED:
        if not closing:
            pen.open(name, **PAIRED[name])
        elif not pen.close(name):
            pen.text(literal)
    elif closing:
        pen.text(literal)
    elif name == "BR":
        pen.line()
    elif name == "CUT":
        pen.cut(full=True)
    elif name == "LOGO":
        pen.raw(LOGO)
    elif name == "PLUGIN":
        pen.raw(b"\x1bp\x00\x32\x32")
    elif name not in SILENT:
        pen.text(literal)
