"""A stand-in for a merchant's photograph: a lit shop front at dusk, drawn by chance from a seed."""

from __future__ import annotations

import random
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

SIZE = (3600, 2400)
GOODS = ("#ce4238", "#ecaa3c", "#4c865a", "#4068a0", "#f0ece0", "#965678")
STRIPES = 14
Box = tuple[float, float, float, float]


def draw(path: Path, seed: int = 3) -> Path:
    """Write the photograph as a JPEG and return its path."""
    image = Image.new("RGB", SIZE, "#5c3a2c")
    pen = ImageDraw.Draw(image)
    _sky(pen)
    _awning(pen)
    _window(pen, random.Random(seed))
    _door(pen)
    image.filter(ImageFilter.GaussianBlur(3)).save(path, quality=90)
    return path


def _at(x0: float, y0: float, x1: float, y1: float) -> Box:
    """Return a box given in parts of the picture."""
    return x0 * SIZE[0], y0 * SIZE[1], x1 * SIZE[0], y1 * SIZE[1]


def _sky(pen: ImageDraw.ImageDraw) -> None:
    height = round(0.3 * SIZE[1])
    for y in range(height):
        share = y / height
        pen.line((0, y, SIZE[0], y), fill=(round(38 + 90 * share), round(52 + 50 * share), 84))


def _awning(pen: ImageDraw.ImageDraw) -> None:
    pen.rectangle(_at(0, 0.20, 1, 0.33), fill="#a82c28")
    for n in range(STRIPES):
        x0, top, x1, bottom = _at(n / STRIPES, 0.33, (n + 1) / STRIPES, 0.42)
        pen.polygon(
            [(x0, top), (x1, top), (x1 - 8, bottom), (x0 + 8, bottom)],
            fill="#f0e8d6" if n % 2 else "#c43c34",
        )
    for n in range(9):
        pen.ellipse(_at(0.04 + 0.11 * n, 0.416, 0.062 + 0.11 * n, 0.449), fill="#fff0be")


def _window(pen: ImageDraw.ImageDraw, chance: random.Random) -> None:
    pen.rectangle(_at(0.06, 0.45, 0.62, 0.90), fill="#ffe2a0")
    for shelf in range(4):
        board, x = 0.55 + 0.105 * shelf, 0.075
        while x < 0.59:
            wide, high = chance.uniform(0.012, 0.03), chance.uniform(0.05, 0.09)
            pen.rounded_rectangle(_at(x, board - high, x + wide, board), 14, fill=chance.choice(GOODS))
            x += wide + chance.uniform(0.002, 0.01)
        pen.rectangle(_at(0.06, board, 0.62, board + 0.012), fill="#966840")


def _door(pen: ImageDraw.ImageDraw) -> None:
    pen.rectangle(_at(0.68, 0.45, 0.92, 1), fill="#3c2824")
    pen.rectangle(_at(0.70, 0.48, 0.90, 0.98), fill="#fad68c")
    pen.ellipse(_at(0.76, 0.60, 0.84, 0.72), fill="#784632")
    pen.rounded_rectangle(_at(0.74, 0.70, 0.86, 1.05), 60, fill="#3a5c78")
