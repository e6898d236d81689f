"""How a piece leaves the house: the profile, and the sheets it is put on. Wrong combinations are one sentence."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal

from msgspec import Struct

from posters.errors import UsageError
from posters.imposition import SHEETS, Flip

PROFILES = ("office", "press-x1a", "press-x4", "outline", "wideformat", "screen")
PDFX: dict[str, Literal["x1a", "x4"]] = {"press-x1a": "x1a", "press-x4": "x4", "outline": "x1a"}
MOST_OFFSET_MM = 10.0
PICTURES = {"screen": (".png",), "wideformat": (".tif", ".tiff")}


class Output(Struct, frozen=True):
    """What the maker of a piece chose; lengths in mm. `offset` moves the backs right and down as they are printed."""

    profile: str = "office"
    icc: Path | None = None
    sheet: str = ""
    flip: Flip = "long"
    offset: tuple[float, float] = (0.0, 0.0)
    tile: str = ""

    @property
    def pdfx(self) -> Literal["", "x1a", "x4"]:
        """Return the version of PDF/X, empty for none."""
        return PDFX.get(self.profile, "")


def check(output: Output, faces: int, out: Path | None = None) -> None:
    """Raise for what does not go together; `out` is the file that is asked for."""
    name = output.profile
    if name not in PROFILES:
        raise UsageError(
            "there is no profile {name}; there are {known}", name=name, known=", ".join(PROFILES)
        )
    if (name == "press-x4") != (output.icc is not None):
        if name == "press-x4":
            raise UsageError("press-x4 carries the shop's profile: give it with --icc")
        raise UsageError("only press-x4 takes a profile with --icc, not {name}", name=name)
    _check_sheets(output, faces)
    if out is not None:
        _check_file(name, out)


def _check_sheets(output: Output, faces: int) -> None:
    for option, value in (("--sheet", output.sheet), ("--tile", output.tile)):
        if value and value not in SHEETS:
            raise UsageError(
                "{option} knows no {value}; there are {known}",
                option=option,
                value=value,
                known=", ".join(SHEETS),
            )
    if output.sheet and output.tile:
        raise UsageError("--sheet and --tile do not go together: choose one")
    if (output.sheet or output.tile) and output.profile in PICTURES:
        raise UsageError("{name} makes single pieces, no sheets", name=output.profile)
    if output.tile and faces > 1:
        raise UsageError("--tile is for posters with one face")
    if output.flip not in ("long", "short"):
        raise UsageError("--flip is long or short, not {value}", value=output.flip)
    checked_offset(output.offset)


def checked_offset(offset: tuple[float, float]) -> tuple[float, float]:
    """Return the offset in mm; raise UsageError for one that no printer is off by."""
    if any(not math.isfinite(v) or abs(v) > MOST_OFFSET_MM for v in offset):
        raise UsageError("--offset is two lengths of at most {most} mm, such as 0.5,-1", most=MOST_OFFSET_MM)
    return offset


def _check_file(name: str, out: Path) -> None:
    suffix = out.suffix.lower()
    for profile, suffixes in PICTURES.items():
        if suffix in suffixes and name != profile:
            raise UsageError(
                "{file}: a picture needs the profile {profile}; {name} makes a PDF",
                file=out,
                profile=profile,
                name=name,
            )
