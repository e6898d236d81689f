"""How the counter page is dressed: look, colours, logo, and pictures of the merchant's own between the coupons."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import msgspec

from kiosk.config import Screen, Shop
from kiosk.counter.brand import colours
from kiosk.counter.opening import Opening, opening
from kiosk.counter.picture_size import dots

KINDS = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".mp4": "video/mp4",
    ".webm": "video/webm",
}
LARGEST = 30 * 1024 * 1024
LARGEST_LOGO = 2 * 1024 * 1024
"""A logo of 20 MB would be unpacked to hundreds of MB by a browser that has to share 1 GB."""
MOST_DOTS = 25_000_000
"""A dot takes 4 bytes in the browser: 100 MB, more than a photo of any phone's usual 12 million dots."""
MOST_LOGO_DOTS = 4_000_000
MOST = 20


class Picture(msgspec.Struct, frozen=True):
    """One picture or clip; `version` changes with the file, so that pages may keep it for ever."""

    name: str
    version: str

    @property
    def is_clip(self) -> bool:
        """Tell whether it moves."""
        return KINDS[Path(self.name).suffix.lower()].startswith("video/")


class Dress(msgspec.Struct, frozen=True):
    """What does not change while the daemon runs, but for the pictures, which are looked for anew."""

    look: str = "warm"
    colours: dict[str, str] = {}
    logo: str = ""
    opening: Opening = Opening()
    pictures: Callable[[], tuple[Picture, ...]] = tuple


def dressed(screen: Screen, shop: Shop) -> Dress:
    """Dress the counter page as configured; HoursError when the hours make no sense."""
    logo, pictures = Path(screen.logo), Path(screen.pictures)
    shown = screen.logo and not unfit_logo(logo)
    return Dress(
        look=screen.look,
        colours=colours(screen.colour),
        logo=f"/counter/logo?v={version(logo)}" if shown else "",
        opening=opening(shop.hours, shop.by_day, shop.holidays),
        pictures=lambda: look_for(pictures) if screen.pictures else (),
    )


def unfit_logo(path: Path) -> str:
    """Return why a file is no logo, with the remedy; empty when it is one."""
    if not path.is_file():
        return f'screen.logo = "{path}" is not there; put the picture there, or leave the line out.'
    if not KINDS.get(path.suffix.lower(), "").startswith("image/"):
        return f'screen.logo = "{path}" is no PNG, JPEG or WebP; save the logo as one of them.'
    if (size := path.stat().st_size) > LARGEST_LOGO:
        return f'screen.logo = "{path}" has {size / 1048576:.1f} MB; at most 2 MB are shown, make it smaller.'
    if (found := _dots(path)) > MOST_LOGO_DOTS:
        return f'screen.logo = "{path}" has {found / 1e6:.0f} million dots; at most 4 million are shown, make it smaller.'
    return ""


def unfit(screen: Screen) -> tuple[str, ...]:
    """Return what of the merchant's own is not shown, one sentence a file."""
    told = [unfit_logo(Path(screen.logo))] if screen.logo else []
    place = Path(screen.pictures)
    if screen.pictures and not place.is_dir():
        told.append(f'screen.pictures = "{place}" is no directory; make it, or leave the line out.')
    for path in sorted(place.iterdir()) if screen.pictures and place.is_dir() else ():
        if path.suffix.lower() in KINDS and path.stat().st_size > LARGEST:
            told.append(f"{path} has {path.stat().st_size / 1048576:.0f} MB; at most 30 MB are shown.")
        elif path.suffix.lower() in KINDS and (found := _dots(path)) > MOST_DOTS:
            told.append(
                f"{path} has {found / 1e6:.0f} million dots; at most 25 million are shown, make it smaller."
            )
    return tuple(t for t in told if t)


def _dots(path: Path) -> int:
    """Return how many dots a picture has; 0 for one that cannot be read: it is not shown either."""
    try:
        return dots(path)
    except OSError:
        return 0


def version(path: Path) -> str:
    """Return what changes with a file: a digest of size and time of change."""
    found = path.stat()
    return hashlib.sha256(f"{found.st_size} {found.st_mtime_ns}".encode()).hexdigest()[:12]


def look_for(directory: Path) -> tuple[Picture, ...]:
    """Return the pictures of a directory by name; what is no picture, too large or not readable is left out."""
    found = []
    for path in sorted(directory.iterdir()) if directory.is_dir() else ():
        fits = path.suffix.lower() in KINDS and path.is_file() and 0 < path.stat().st_size <= LARGEST
        if fits and _dots(path) <= MOST_DOTS:
            found.append(Picture(path.name, version(path)))
    return tuple(found[:MOST])
