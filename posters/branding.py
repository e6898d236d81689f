"""The merchant's own colour in a look: each colour of the look that follows the brand is a share of it. Pure.

Contrast is that of WCAG 2.2 (1.4.3), on the colours that a screen shows for the inks.
"""

from __future__ import annotations

import re

from msgspec import structs

from posters import schema as s
from posters.errors import RefusedError
from posters.result import Finding

LEAST_CONTRAST = 4.5  # white type on the brand colour, down to 6 pt
MOST_INK = 300
STEP = 2.0  # per cent of K
DEEP_K = 100.0  # a share of 1.2 is the brand with 20 % more K

_HEX = re.compile(r"#?([0-9A-Fa-f]{6})\Z")
_PARTS = re.compile(r"[\s,/]+")


def parse(value: str) -> s.Cmyk:
    """Return #RRGGBB or four per cents of C, M, Y, K as inks."""
    found = _HEX.match(value)
    if found:
        rgb = [int(found.group(1)[n : n + 2], 16) / 255 for n in (0, 2, 4)]
        # Greys go to K alone; the more a colour is one, the less of its grey does, or it would come out dull.
        vivid = (max(rgb) - min(rgb)) / max(rgb) if max(rgb) else 0.0
        k = (1 - max(rgb)) * (1 - vivid / 2)
        c, m, y = ((1 - part - k) / (1 - k) * 100 if k < 1 else 0.0 for part in rgb)
        return round(c, 1), round(m, 1), round(y, 1), round(k * 100, 1)
    try:
        parts = [float(part) for part in _PARTS.split(re.sub(r"[CMYKcmyk%]", "", value).strip())]
    except ValueError:
        parts = []
    if len(parts) != 4 or not all(0 <= part <= 100 for part in parts):
        raise RefusedError(
            "colour",
            "brand",
            "brand is no colour: {value}; write #C8102E or four per cents, such as 0 96 92 8",
            value=value,
        )
    if sum(parts) > MOST_INK:
        raise RefusedError(
            "colour",
            "brand",
            "brand carries {ink} % ink; {most} % is the most",
            ink=round(sum(parts)),
            most=MOST_INK,
        )
    return parts[0], parts[1], parts[2], parts[3]


def recoloured(look: s.Look, brand: s.Cmyk) -> tuple[s.Look, list[Finding]]:
    """Return the look in the brand's colour, darkened as far as white type on it needs, and what was done."""
    main, added = readable(brand)
    colors = {**look.colors, **{name: _share(main, share) for name, share in look.brand.items()}}
    findings = []
    if added:
        sentence = "brand is too light for white type on it: printed with {k} % more black"
        findings.append(Finding.of("confirm", "contrast", "brand", sentence, k=f"{added:g}"))
    return structs.replace(look, colors=colors), findings


def readable(brand: s.Cmyk) -> tuple[s.Cmyk, float]:
    """Return the colour with as much more black as white type needs, and how much that was."""
    c, m, y, k = brand
    added = 0.0
    while contrast((c, m, y, k), (0, 0, 0, 0)) < LEAST_CONTRAST and k < 100:
        added += STEP
        k = min(100.0, brand[3] + added)
    return (c, m, y, k), added


def contrast(a: s.Cmyk, b: s.Cmyk) -> float:
    """Return the contrast of two colours, from 1 to 21."""
    one, two = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (one + 0.05) / (two + 0.05)


def _luminance(color: s.Cmyk) -> float:
    k = color[3] / 100
    rgb = [(1 - part / 100) * (1 - k) for part in color[:3]]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in rgb]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _share(color: s.Cmyk, share: float) -> s.Cmyk:
    c, m, y, k = color
    if share > 1:
        return c, m, y, min(100.0, k + (share - 1) * DEEP_K)
    return round(c * share, 1), round(m * share, 1), round(y * share, 1), round(k * share, 1)
