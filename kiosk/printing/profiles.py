"""What a printer can do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The abilities of one family of printers; facts: printing 7.4."""

    name: str
    width_dots: Annotated[int, Meta(ge=192, le=832, multiple_of=8)]
    qr: Literal["native", "raster"] = "native"
    code128: Literal["native", "raster"] = "native"
    text_mode: Literal["device", "graphic"] = "device"
    """`graphic` draws every slip as a picture: for printers without a Chinese font."""
    hanzi_size: Literal["gs", "gs+fs"] = "gs"
    """`gs+fs` adds `FS !`: some clones size Chinese by that alone."""
    cut: bool = True
    feed_before_cut: Annotated[int, Meta(ge=0, le=20)] = 3
    """Lines between the head and the knife, or the tear bar."""
    drawer_on_ms: Annotated[int, Meta(ge=2, le=510)] = 50
    drawer_off_ms: Annotated[int, Meta(ge=2, le=510)] = 500
    barrier: bool = True
    """Answers `GS r 1` after everything before it was printed."""
    status: bool = True
    """Answers `DLE EOT n`."""
    strip_rows: Annotated[int, Meta(ge=24, le=256, multiple_of=24)] = 240
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
    """A profile that does not exist, or an override that makes no sense."""


def profile(name: str, override: Mapping[str, Any] | None = None) -> Profile:
    """Return a profile by name, changed where `override` says so."""
    try:
        made = PROFILES[name]
    except KeyError:
        raise ProfileError(
            f"there is no printer profile {name!r}; there are {', '.join(PROFILES)}."
        ) from None
    if not override:
        return made
    if "name" in override:
        raise ProfileError("override: name cannot be changed; leave it out.")
    try:
        return msgspec.convert({**msgspec.structs.asdict(made), **override}, Profile)
    except msgspec.ValidationError as err:
        what, _, where = str(err).partition(" - at `$.")
        keys = ", ".join(f for f in Profile.__struct_fields__ if f != "name")
        place = f"override.{where.strip('`')}" if where else "override"
        raise ProfileError(f"{place}: {what[0].lower()}{what[1:]}; the keys are {keys}.") from None
