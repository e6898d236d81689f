"""Stands and posters with this store's own data, made and proved by the workshop; pictures of them are kept."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from pathlib import Path
from typing import NamedTuple

from kiosk.counter.slips import LOGO
from kiosk.coupons.ids import new_rid
from kiosk.web import stand_ledger
from kiosk.web.services import Services
from kiosk.web.shop import current
from kiosk.web.workshop import Made

LOOKS = ("warm", "fresh", "plain")
KNOWN = {"store_id", "merchant", "url", "store", "address", "category"}
"""Fields that this kiosk can fill in by itself; what needs more is made by whoever knows it."""


async def store_data(services: Services) -> dict[str, str] | None:
    """Return the store's own data; None while the cloud has not given this kiosk a store."""
    place, merchant = await services.place(), await services.journal.merchant()
    if place.store is None or merchant is None:
        return None
    return {
        "store_id": place.store.id,
        "merchant": merchant.name,
        "store": place.store.name,
        "address": place.store.address,
        "category": merchant.category,
        "url": place.store.link,
        **await asyncio.to_thread(_dress, services),
    }


def _dress(services: Services) -> dict[str, str]:
    """Return the colour and the logo that staff gave the shop, as far as they did."""
    logo = services.data_dir / "logos" / f"{LOGO}.png"
    worn = {"brand": current(services).colour, "logo": str(logo.resolve()) if logo.is_file() else ""}
    return {name: value for name, value in worn.items() if value}


OFFER = {"amount", "until"}
"""What a template for an offer needs besides; the number of its revision is in the ledger."""
MOST_PREVIEWS = 200
MOST_MADE = 40
"""Stands kept as files to print: a PDF and its picture each, some 1 MB together."""


def fitting(required: set[str]) -> bool:
    """Tell whether this kiosk, with what its staff write, can fill in the fields that a template requires."""
    return required <= KNOWN | OFFER | {"revision"}


async def make(
    services: Services, template: str, look: str, profile: str, data: dict[str, str]
) -> tuple[str, Made]:
    """Make a PDF and a picture of it in `made/`; return their name without its ending, and the verdict."""
    name = f"{template}-{look}-{profile}-{digest(data)[:8]}"
    folder = services.data_dir / "made"
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    out = folder / f"{name}.pdf"
    made = await services.workshop.make(
        template,
        data,
        out,
        look=look,
        profile=profile,
        preview=out.with_suffix(".png"),
        ledger=stand_ledger.place(services),
    )
    await asyncio.to_thread(_forget, folder, "*.pdf", MOST_MADE)
    return name, made


async def file_of(services: Services, name: str) -> Path | None:
    """Return a file that was made, None when it is gone. Whoever fetches or prints it keeps it among the newest."""
    return await asyncio.to_thread(_used, services.data_dir / "made" / name)


def _used(path: Path) -> Path | None:
    try:
        for each in (path.with_suffix(".pdf"), path.with_suffix(".png")):
            if each.is_file():
                os.utime(each)
        return path if path.is_file() else None
    except FileNotFoundError:  # somebody has swept meanwhile
        return None


class Size(NamedTuple):
    """How large a picture is, and in how many colours."""

    box: tuple[int, int]
    """Dots."""
    colours: int


LARGE = Size((240, 320), 64)
"""Some 10 KB."""
SMALL = Size((150, 200), 24)
"""Some 4 KB: twelve beside each other are less than a page may weigh."""


async def picture(
    services: Services, template: str, look: str, data: dict[str, str], size: Size = LARGE
) -> tuple[Path, Made]:
    """Return a small picture of a template with the store's data; made once, then kept."""
    folder = services.data_dir / "previews"
    small = folder / f"{template}-{look}-{digest(data)[:12]}-{size.box[0]}.png"
    if await asyncio.to_thread(small.is_file):
        return small, Made(verdict="printable")
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    turn = new_rid()  # two tabs ask for the same picture at once
    out, large = folder / f"{turn}.pdf", folder / f"{turn}.large"
    made = await services.workshop.make(template, data, out, look=look, profile="screen", preview=large)
    await asyncio.to_thread(_shrink, large, small, size)
    await asyncio.to_thread(out.unlink, missing_ok=True)
    await asyncio.to_thread(_forget, folder, "*.png", MOST_PREVIEWS)
    return small, made


def _forget(folder: Path, names: str, most: int) -> None:
    """Keep the newest: whoever tries words makes one with each. One that is being sent is read to its end all the same (POSIX)."""
    times = {path: _time(path) for path in folder.glob(names)}
    for path in sorted(times, key=times.__getitem__, reverse=True)[most:]:
        path.unlink(missing_ok=True)
        path.with_suffix(".png").unlink(missing_ok=True)


def _time(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:  # two tabs tidy up at once
        return 0


async def sweep(services: Services) -> int:
    """Remove made PDFs and pictures of stands, which can be made again; return how many files that were."""
    return await asyncio.to_thread(_sweep, services.data_dir)


def _sweep(data_dir: Path) -> int:
    removed = 0
    for folder in ("made", "previews"):
        for path in (data_dir / folder).glob("*.*"):
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def _shrink(large: Path, small: Path, size: Size) -> None:
    """Keep a picture that fits."""
    if not large.is_file():
        return
    from PIL import Image

    with Image.open(large) as image:
        image.thumbnail(size.box)
        fresh = large.with_suffix(".new")
        image.convert("RGB").quantize(size.colours, Image.Quantize.FASTOCTREE).save(
            fresh, "PNG", optimize=True
        )
    os.replace(fresh, small)
    large.unlink(missing_ok=True)


def digest(data: dict[str, str]) -> str:
    """Return what stands for data, the logo's picture included, in a file's name."""
    logo = Path(data.get("logo", ""))
    worn = hashlib.sha256(logo.read_bytes()).hexdigest() if logo.is_file() else ""
    return hashlib.sha256(json.dumps([data, worn], sort_keys=True).encode()).hexdigest()
