"""Yilianyun's tags as the firmware executes them (facts: cloud-printers 3.7). Unknown tags are printed as they are."""

from __future__ import annotations

import re

from simulators.common_markup import Pen

LIMIT = 25
"""`<center>`, `<right>`, `<LR>` and `<table>` are understood so often a job; later ones are printed as they are."""
COLUMNS = 32
PAIRED: dict[str, dict[str, int | bool]] = {
    "FB": {"bold": True},
    "FH": {},
    "FH2": {"height": 2},
    "FW": {},
    "FW2": {"width": 2},
    "FS": {},
    "FS2": {"width": 2, "height": 2},
    "center": {"align": 1},
    "right": {"align": 2},
}
"""The sizes of 1.33 have no like in ESC/POS; they are shown plain."""
HEAD = re.compile(r"<(MN|MC|MA|MS|MK|ML|MP|RS|PW|audio|JSON)>(.*?)</\1>", re.DOTALL)
_TOKEN = re.compile(
    r"<(QR|BR|BR2|BR3|LR|table)>(.*?)</\1>|<(/?)(FB|FH2?|FW2?|FS2?|center|right)>|(\r\n|\r|\n)|(@@2)",
    re.DOTALL,
)
BARCODES = {"BR2": ("B", r"[ -~]{1,14}"), "BR3": ("C", r"(?:\d{2}){1,14}|\d(?:\d{2}){0,12}")}


def head_of(content: str) -> tuple[dict[str, str], str]:
    """Take the control tags at the very start off a job."""
    found: dict[str, str] = {}
    while tag := HEAD.match(content):
        found[tag[1]] = tag[2]
        content = content[tag.end() :]
    return found, content


def copies_of(content: str) -> int:
    """Return how often a job prints: `<MN>n</MN>`, 1 to 9."""
    wanted = head_of(content)[0].get("MN", "1")
    return int(wanted) if re.fullmatch(r"[1-9]", wanted) else 1


def execute(content: str) -> bytes:
    """Return what reaches the print head."""
    head, body = head_of(content)
    firmware = _Firmware()
    firmware.run(body)
    if head.get("MK", "3") != "0":
        firmware.pen.cut(full=head.get("MK", "3") == "3")
    return bytes(firmware.pen.out)


class _Firmware:
    """One job."""

    def __init__(self) -> None:
        self.pen = Pen()
        self._limited = 0
        self._begun = False
        self._literal: list[str] = []

    def run(self, body: str) -> None:
        at = 0
        for token in _TOKEN.finditer(body):
            self._text(body[at : token.start()])
            at = token.end()
            if token[1]:
                self._block(token[1], token[2], token[0])
            elif token[4]:
                self._style(token[4], bool(token[3]), token[0])
            elif token[5]:
                self.pen.line()
                self.pen.close("@@2")
                self._begun = False
            elif self._begun:
                self._text(token[6])
            else:
                self.pen.open("@@2", width=2, height=2)
        self._text(body[at:])
        if self._begun:
            self.pen.line()

    def _text(self, text: str) -> None:
        if text:
            self._begun = True
            self.pen.text(text)

    def _allowed(self) -> bool:
        self._limited += 1
        return self._limited <= LIMIT

    def _style(self, name: str, closing: bool, literal: str) -> None:
        if name in ("center", "right"):
            if not closing and not self._allowed():
                self._literal.append(name)
                return self._text(literal)
            if closing and name in self._literal:
                self._literal.remove(name)
                return self._text(literal)
        if not closing:
            return self.pen.open(name, **PAIRED[name])
        if not self.pen.close(name):
            self._text(literal)
        return None

    def _block(self, name: str, data: str, literal: str) -> None:
        if name == "QR":
            if len(data) <= (192 if data.isascii() else 96):
                self.pen.qr(data)
        elif name == "BR":
            if re.fullmatch(r"\d{1,13}", data):  # EAN-13, zero-padded; shown as its digits
                self._text(f"[EAN13 {data.zfill(13)}]")
        elif name in BARCODES:
            subset, form = BARCODES[name]
            if re.fullmatch(form, data):
                self.pen.code128(subset, data)
        elif not self._allowed():
            self._text(literal)
        elif name == "LR":
            left, _, right = data.partition(",")
            gap = COLUMNS - len(left.encode("gbk", "replace")) - len(right.encode("gbk", "replace"))
            self._text(left + " " * max(1, gap) + right)
        else:
            self._table(data, literal)

    def _table(self, data: str, literal: str) -> None:
        """Print rows of 3 or 4 cells; anything else inside a table is printed as it is."""
        rows = re.findall(r"<tr>((?:<td>[^<\n]*</td>){3,4})</tr>", data)
        if "".join(f"<tr>{row}</tr>" for row in rows) != data:
            return self._text(literal)
        for row in rows:
            cells = re.findall(r"<td>([^<]*)</td>", row)
            self._text("".join(c.ljust(COLUMNS // len(cells)) for c in cells))
            self.pen.line()
        self._begun = False
        return None
