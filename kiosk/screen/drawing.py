"""The counter page without a browser: the same view drawn with Pillow, for boards of 512 MB and for safe mode. Pure."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from ui.fonts import pinned

QUIET = 4
COLOURS = {
    "warm": ("#c8161d", "#fdf9f3", "#fdebe0"),
    "fresh": ("#0a7460", "#f7fbf8", "#e2f3ec"),
    "plain": ("#1d1a18", "#fbfaf8", "#f0ece6"),
}
OUTCOMES = {
    "confirmed": "#0b6b3a",
    "accepted": "#0b6b3a",
    "refused": "#a3121a",
    "help": "#a3121a",
    "retry": "#7a4b00",
    "busy": "#15497f",
    "printed": "#15497f",
    "info": "#15497f",
}
MARKS = {
    "confirmed": "✓",
    "accepted": "✓",
    "refused": "×",
    "help": "!",
    "retry": "…",
    "busy": "…",
    "printed": "✓",
    "info": "i",
}
INK, SOFT = "#1d1a18", "#5f5750"
Box = tuple[int, int, int, int]


@lru_cache(maxsize=64)
def _font(text: str, weight: int, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(io.BytesIO(pinned(text, weight)), size)


def _chars(text: str) -> str:
    return "".join(sorted(set(text) | {"…"}))


class Sheet:
    """One picture under way; one unit is a hundredth of the short side."""

    def __init__(self, size: tuple[int, int], paper: str) -> None:
        self.image = Image.new("RGB", size, paper)
        self.pen = ImageDraw.Draw(self.image)
        self.width, self.height = size
        self.unit = min(size) / 100

    def text(
        self,
        at: tuple[float, float],
        text: str,
        units: float,
        weight: int,
        colour: str,
        *,
        room: float,
        centre: bool = False,
    ) -> float:
        """Write one line, cut with an ellipsis where it has no room (in pixels); return its height."""
        size = max(8, round(units * self.unit))
        font = _font(_chars(text), weight, size)
        shown = text
        while shown and font.getlength(shown) > room:
            shown = shown[:-2] + "…" if len(shown) > 2 else ""
        x = at[0] + (room - font.getlength(shown)) / 2 if centre else at[0]
        self.pen.text((x, at[1]), shown, colour, font)
        return size * 1.3

    def qr(self, box: Box, modules: list[str]) -> tuple[int, int, int]:
        """Draw a code as large as whole pixels allow; return left, top and the side of a module."""
        count = len(modules) + 2 * QUIET
        side = max(1, min(box[2] - box[0], box[3] - box[1]) // count)
        left = box[0] + (box[2] - box[0] - side * count) // 2
        top = box[1] + (box[3] - box[1] - side * count) // 2
        radius = 3 * self.unit
        self.pen.rounded_rectangle((left, top, left + side * count, top + side * count), radius, "#ffffff")
        for y, row in enumerate(modules):
            for x, dark in enumerate(row):
                if dark == "1":
                    at = left + (x + QUIET) * side, top + (y + QUIET) * side
                    self.pen.rectangle((*at, at[0] + side - 1, at[1] + side - 1), "#000000")
        return left, top, side


class Drawn:
    """A picture, and where its code is."""

    def __init__(self, image: Image.Image, code: tuple[int, int, int] | None, count: int) -> None:
        self.image, self._code, self._count = image, code, count

    def bits(self) -> str:
        """Read the modules back from the picture, row by row; empty when it shows no code."""
        if self._code is None:
            return ""
        left, top, side = self._code
        grey = self.image.convert("L").load()
        assert grey is not None
        rows = range(self._count)
        middle = side // 2

        def dark(x: int, y: int) -> bool:
            value = grey[left + (x + QUIET) * side + middle, top + (y + QUIET) * side + middle]
            return isinstance(value, int) and value < 128

        return "".join("1" if dark(x, y) else "0" for y in rows for x in rows)


def draw(view: dict[str, Any], size: tuple[int, int], turn: int = 0) -> Drawn:
    """Draw a view; outside the opening hours the picture is black. Batches without room have their turn."""
    if not view["open"]:
        return Drawn(Image.new("RGB", size, "#000000"), None, 0)
    if view["outcome"]:
        return _outcome(view["outcome"], size)
    brand, paper, tint = COLOURS[view["look"]]
    brand, tint = view["colours"].get("--panel", brand), view["colours"].get("--tint", tint)
    letters = view["colours"].get("--on-brand", "#ffffff")
    sheet = Sheet(size, paper)
    wide = size[0] > size[1]
    u = sheet.unit
    panel = round(68 * u) if wide else size[0]
    depth = size[1] if wide else round(104 * u)
    sheet.pen.rectangle((0, 0, panel, depth), brand)
    if wide:
        code = _code(sheet, view, (round(4 * u), round(14 * u), panel - round(4 * u), round(74 * u)), letters)
        area = panel + round(4 * u), round(5 * u), size[0] - round(4 * u), size[1] - round(4 * u)
        _head(sheet, view, area, INK, SOFT, centre=False)
        _offers(sheet, view, turn, (area[0], round(19 * u), area[2], area[3]), brand, tint)
    else:
        _head(
            sheet,
            view,
            (round(4 * u), round(4 * u), size[0] - round(4 * u), 0),
            letters,
            letters,
            centre=True,
        )
        code = _code(sheet, view, (round(17 * u), round(18 * u), round(83 * u), round(88 * u)), letters)
        _offers(
            sheet,
            view,
            turn,
            (round(4 * u), depth + round(3 * u), size[0] - round(4 * u), size[1] - round(3 * u)),
            brand,
            tint,
        )
    return Drawn(sheet.image, code, len(view["qr"]["modules"]) if view["qr"] else 0)


def _code(sheet: Sheet, view: dict[str, Any], box: Box, letters: str) -> tuple[int, int, int] | None:
    found = sheet.qr(box, view["qr"]["modules"]) if view["qr"] else None
    at = box[0], box[3] + 2 * sheet.unit
    sheet.text(at, view["words"]["scan"], 5.4, 900, letters, room=box[2] - box[0], centre=True)
    return found


def _head(sheet: Sheet, view: dict[str, Any], area: Box, ink: str, soft: str, *, centre: bool) -> None:
    room = area[2] - area[0]
    high = sheet.text((area[0], area[1]), view["merchant"]["name"], 6, 900, ink, room=room, centre=centre)
    where = "  ".join(part for part in (view["store"]["name"], view["shop"]["hours"]) if part)
    sheet.text((area[0], area[1] + high), where, 3.4, 400, soft, room=room, centre=centre)


def _offers(sheet: Sheet, view: dict[str, Any], turn: int, area: Box, brand: str, tint: str) -> None:
    u = sheet.unit
    foot = area[3] - 6 * u
    high, gap = 17 * u, 2.4 * u
    y = float(area[1])
    room = max(1, int((foot - y + gap) / (high + gap)))
    pages = max(1, -(-len(view["batches"]) // room))
    first = turn % pages * room
    for batch in view["batches"][first : first + room]:
        _ticket(sheet, view, batch, (area[0], round(y), area[2], round(y + high)), brand, tint)
        y += high + gap
    if not view["batches"]:
        sheet.text((area[0], y), view["words"]["none"], 4, 400, SOFT, room=area[2] - area[0])
    told = state(view) or "  ".join(part for part in (view["slip"]["text"], view["shop"]["notice"]) if part)
    if told:
        sheet.text((area[0], foot + u), told, 3.4, 700, brand, room=area[2] - area[0])


def _ticket(
    sheet: Sheet, view: dict[str, Any], batch: dict[str, Any], box: Box, brand: str, tint: str
) -> None:
    u, words = sheet.unit, view["words"]
    stub = box[0] + round(24 * u)
    sheet.pen.rounded_rectangle(box, 2 * u, "#ffffff")
    sheet.pen.rounded_rectangle((box[0], box[1], stub, box[3]), 2 * u, tint)
    worth = batch["offer"] if batch["kind"] == "exchange" else f"￥{batch['value'] / 100:g}"
    sheet.text((box[0] + u, box[1] + 4 * u), worth, 7, 900, brand, room=stub - box[0] - 2 * u, centre=True)
    room = box[2] - stub - 4 * u
    name = batch["name"] if batch["kind"] == "exchange" else batch["offer"]
    y = box[1] + 1.4 * u
    y += sheet.text((stub + 2 * u, y), name, 4.4, 900, INK, room=room)
    how = words["at_payment"] if batch["product"] == "cash_voucher" else words["at_till"]
    y += sheet.text((stub + 2 * u, y), f"{batch['period']} · {how}", 2.6, 400, SOFT, room=room)
    if batch["left"] is not None:
        sheet.text(
            (stub + 2 * u, y), words["left"].replace("{n}", str(batch["left"])), 2.6, 700, brand, room=room
        )


def state(view: dict[str, Any]) -> str:
    """Return what is said of an outage; empty when all is well."""
    words = view["words"]
    return str(words.get(view["status"]["hub"], "")) if view["status"]["hub"] != "ok" else ""


def _outcome(outcome: dict[str, Any], size: tuple[int, int]) -> Drawn:
    """Draw an outcome: a mark in a shape, a word, what to do."""
    sheet = Sheet(size, OUTCOMES[outcome["kind"]])
    u, room = sheet.unit, size[0] - 8 * sheet.unit
    y = size[1] / 2 - 34 * u
    circle = (size[0] / 2 - 13 * u, y, size[0] / 2 + 13 * u, y + 26 * u)
    width = max(2, round(2.4 * u))
    if outcome["kind"] in ("refused", "help"):
        sheet.pen.rounded_rectangle(circle, 4 * u, None, "#ffffff", width)
    elif outcome["kind"] == "accepted":  # a broken ring, as on the page: less certain than the whole one
        for start in range(0, 360, 36):
            sheet.pen.arc(circle, start, start + 24, "#ffffff", width)
    else:
        sheet.pen.ellipse(circle, None, "#ffffff", width)
    sheet.text((4 * u, y + 3 * u), MARKS[outcome["kind"]], 15, 900, "#ffffff", room=room, centre=True)
    y += 31 * u
    for text, units, weight in (
        (outcome["title"], 8, 900),
        (outcome["detail"], 4.6, 400),
        (outcome["hint"], 5.4, 900),
    ):
        if text:
            y += sheet.text((4 * u, y), text, units, weight, "#ffffff", room=room, centre=True)
    return Drawn(sheet.image, None, 0)
