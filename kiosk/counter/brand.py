"""A merchant's colour -> the colours of the counter page, with letters that can be read on it (WCAG 2.2, 1.4.3). Pure."""

from __future__ import annotations

WHITE, INK = (255, 255, 255), (29, 26, 24)
READABLE = 4.5
"""Least contrast of text."""

Rgb = tuple[int, int, int]


def rgb(colour: str) -> Rgb:
    """Return `#rrggbb` as numbers."""
    value = int(colour.removeprefix("#"), 16)
    return value >> 16, value >> 8 & 255, value & 255


def _hex(colour: Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def luminance(colour: Rgb) -> float:
    """Return the relative luminance (WCAG 2.2, `relative luminance`)."""
    linear = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: Rgb, b: Rgb) -> float:
    """Return the contrast ratio of two colours, 1 to 21."""
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def mixed(colour: Rgb, other: Rgb, share: float) -> Rgb:
    """Return a colour with a share (0 to 1) of another."""
    r, g, b = (round(c * (1 - share) + o * share) for c, o in zip(colour, other, strict=True))
    return r, g, b


def readable_on(paper: Rgb, colour: Rgb) -> Rgb:
    """Return a colour, darkened until it can be read on a light paper."""
    share = 0.0
    while contrast(made := mixed(colour, INK, share), paper) < READABLE and share < 1:
        share += 0.05
    return made


def colours(colour: str) -> dict[str, str]:
    """Return the page's colours by the names of its style sheet; empty without a colour of the merchant's own."""
    if not colour:
        return {}
    own = rgb(colour)
    on = WHITE if contrast(own, WHITE) >= READABLE else INK
    tint = mixed(own, WHITE, 0.88)
    return {
        "--panel": _hex(own),
        "--panel-deep": _hex(mixed(own, (0, 0, 0), 0.18)),
        "--on-brand": _hex(on),
        "--brand": _hex(readable_on(tint, own)),
        "--brand-deep": _hex(mixed(readable_on(tint, own), (0, 0, 0), 0.2)),
        "--tint": _hex(tint),
    }
