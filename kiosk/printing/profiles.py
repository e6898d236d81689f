"""What a printer can do."""

from __future__ import annotations

from typing import Literal

import msgspec


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """The abilities of one family of printers; facts: printing 7.4."""

    name: str
    width_dots: int
    qr: Literal["native", "raster"] = "native"
    code128: Literal["native", "raster"] = "native"
    text_mode: Literal["device", "graphic"] = "device"
    cut: bool = True
    feed_before_cut: int = 3
    barrier: bool = True
    """Answers `GS r 1` after everything before it was printed."""
    status: bool = True
    """Answers `DLE EOT n`."""
    strip_rows: int = 240
    """Rows of one raster command: at most 256, a multiple of 24 (facts: printing 4.3)."""

    @property
    def columns(self) -> int:
        """Return the half-width characters of a line: 12 dots each."""
        return self.width_dots // 12


PROFILES = {
    p.name: p
    for p in (
        Profile(name="generic-58", width_dots=384),
        Profile(name="generic-80", width_dots=576),
        Profile(
            name="graphic-safe",
            width_dots=384,
            qr="raster",
            code128="raster",
            text_mode="graphic",
            cut=False,
            barrier=False,
            status=False,
        ),
    )
}


class ProfileError(Exception):
    """A profile that does not exist."""


def profile(name: str) -> Profile:
    """Return a profile by name."""
    try:
        return PROFILES[name]
    except KeyError:
        raise ProfileError(
            f"there is no printer profile {name!r}; there are {', '.join(PROFILES)}."
        ) from None
