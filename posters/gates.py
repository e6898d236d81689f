"""The gates that a printed code must pass, on pixels of the finished page.

Synthetic photographs, sized by what decoders were measured to bear: 2 px a module is the far reader, sigma 0.3 module
and 35 degrees the hurried one, 0.25 to 0.75 the dim corner, a 6 % blot the greasy thumb.
"""

from __future__ import annotations

import hashlib
import math
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

if TYPE_CHECKING:
    from PIL.Image import Image

DPI = 150
LARGE_DPI = 75  # pages beyond 16 million pixels: harder for the code, and four times less to hold
LARGE_PIXELS = 16_000_000
FAR_PIXELS = 2.0
TILT_DEGREES = 35.0
BLUR_MODULES = 0.3
DARK, LIGHT = 0.25, 0.75
BLOT_SHARE = 0.06
GATE_MODULE_PX = 6.0  # what the tilted and blotted shots are taken at


class Area(NamedTuple):
    """A box in pixels."""

    left: float
    top: float
    right: float
    bottom: float


class Reading(Struct, frozen=True):
    """One code as a decoder read it; corners in pixels, top left first, clockwise."""

    payload: str
    level: str
    version: int
    corners: tuple[tuple[float, float], ...]

    @property
    def modules(self) -> int:
        """Return the modules on a side."""
        return 17 + 4 * self.version

    @property
    def module_px(self) -> float:
        """Return the module in pixels, from the longer of two edges."""
        a, b, c, _ = self.corners
        return max(math.dist(a, b), math.dist(b, c)) / self.modules

    @property
    def area(self) -> Area:
        """Return the box round the symbol."""
        xs, ys = [c[0] for c in self.corners], [c[1] for c in self.corners]
        return Area(min(xs), min(ys), max(xs), max(ys))


def dpi_for(width_pt: float, height_pt: float) -> int:
    """Return the resolution at which a page is looked at."""
    return DPI if width_pt * height_pt * (DPI / 72) ** 2 <= LARGE_PIXELS else LARGE_DPI


def read(image: Image) -> list[Reading]:
    """Return every QR code in the picture."""
    zxing: Any = import_module("zxingcpp")
    found = zxing.read_barcodes(image, formats=zxing.BarcodeFormat.QRCode)
    readings = []
    for code in found:
        p = code.position
        corners = tuple(
            (float(c.x), float(c.y)) for c in (p.top_left, p.top_right, p.bottom_right, p.bottom_left)
        )
        version = int(code.extra.get("Version", 0))
        if code.valid and version:
            readings.append(Reading(code.text, code.ec_level, version, corners))
    return readings


def run(page: Image, reading: Reading, area: Area, module_px: float, alone: bool) -> dict[str, bool]:
    """Return each gate with whether the code passed; `area` is the symbol, its quiet zone outside."""
    quiet = 4 * module_px
    crop = page.crop(
        (
            round(area.left - quiet),
            round(area.top - quiet),
            round(area.right + quiet),
            round(area.bottom + quiet),
        )
    )
    shot = _scaled(crop, GATE_MODULE_PX / module_px)
    return {
        "dpi150": alone,
        "far": _reads(_scaled(crop, FAR_PIXELS / module_px), reading),
        "tilt": _reads(_tilted(shot), reading),
        "contrast": _reads(
            shot.point([round(255 * (DARK + (LIGHT - DARK) * v / 255)) for v in range(256)]), reading
        ),
        "blot": _reads(_blotted(shot, reading), reading),
        "readback": _same(shot, reading),
    }


def _reads(image: Image, reading: Reading) -> bool:
    """Say whether exactly this payload is read."""
    return [found.payload for found in read(image)] == [reading.payload]


def _same(image: Image, reading: Reading) -> bool:
    """Say whether payload, level and version are the ones expected."""
    return [(f.payload, f.level, f.version) for f in read(image)] == [
        (reading.payload, reading.level, reading.version)
    ]


def _scaled(image: Image, scale: float) -> Image:
    from PIL import Image as Pictures

    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Pictures.Resampling.BOX if scale < 1 else Pictures.Resampling.BICUBIC)


def _tilted(image: Image) -> Image:
    """Return the code out of focus and seen from the side, through a 65 degree lens two widths away."""
    from PIL import Image as Pictures
    from PIL import ImageFilter

    side = float(image.width)
    soft = image.filter(ImageFilter.GaussianBlur(BLUR_MODULES * GATE_MODULE_PX))
    cos, sin, away = math.cos(math.radians(TILT_DEGREES)), math.sin(math.radians(TILT_DEGREES)), 2 * side
    # Output pixel (x, y) about the middle looks at (u, v) of the card: x = u cos / (1 + u sin / away).
    a = 1 / cos
    g = -sin / (away * cos)
    m = side / 2
    matrix = (a + m * g, 0.0, -m * a + m * (1 - g * m), m * g, 1.0, -m + m * (1 - g * m), g, 0.0, 1 - g * m)
    k = matrix[8]
    data = tuple(value / k for value in matrix[:8])
    return soft.transform(
        soft.size, Pictures.Transform.PERSPECTIVE, data, Pictures.Resampling.BICUBIC, fillcolor=255
    )


def _blotted(image: Image, reading: Reading) -> Image:
    """Return the code with a grey blot over data modules; its place follows from the payload."""
    from PIL import ImageDraw

    n, px = reading.modules, GATE_MODULE_PX
    radius = n * math.sqrt(BLOT_SHARE / math.pi)
    seed = hashlib.sha256(reading.payload.encode()).digest()
    low, high = 9 + radius, n - 9 - radius
    x, y = n / 2, n / 2
    if high > low:
        x, y = (low + (high - low) * seed[i] / 255 for i in (0, 1))
    blotted = image.copy()
    middle = ((x + 4) * px, (y + 4) * px)
    r = radius * px
    ImageDraw.Draw(blotted).ellipse((middle[0] - r, middle[1] - r, middle[0] + r, middle[1] + r), fill=128)
    return blotted
