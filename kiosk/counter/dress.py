"""How the counter page is dressed: look, colours, logo, and pictures of the merchant's own between the coupons."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import msgspec

from kiosk.config import Screen, Shop
from kiosk.counter.brand import colours
from kiosk.counter.opening import Opening, opening

KINDS = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".mp4": "video/mp4",
    ".webm": "video/webm",
}
LARGEST = 30 * 1024 * 1024
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
    return Dress(
        look=screen.look,
        colours=colours(screen.colour),
        logo=f"/counter/logo?v={version(logo)}" if screen.logo and logo.is_file() else "",
        opening=opening(shop.hours, shop.by_day, shop.holidays),
        pictures=lambda: look_for(pictures) if screen.pictures else (),
    )


def version(path: Path) -> str:
    """Return what changes with a file: a digest of size and time of change."""
    found = path.stat()
    return hashlib.sha256(f"{found.st_size} {found.st_mtime_ns}".encode()).hexdigest()[:12]


def look_for(directory: Path) -> tuple[Picture, ...]:
    """Return the pictures of a directory by name; what is no picture, too large or not readable is left out."""
    found = []
    for path in sorted(directory.iterdir()) if directory.is_dir() else ():
        if path.suffix.lower() in KINDS and path.is_file() and 0 < path.stat().st_size <= LARGEST:
            found.append(Picture(path.name, version(path)))
    return tuple(found[:MOST])
