"""Stands and posters with this store's own data, made and proved by the workshop; pictures of them are kept."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from pathlib import Path

from kiosk.web.services import Services
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
    }


async def make(
    services: Services, template: str, look: str, profile: str, data: dict[str, str], locale: str
) -> tuple[str, Made]:
    """Make a PDF and a picture of it in `made/`; return their name without its ending, and the verdict."""
    name = f"{template}-{look}-{profile}-{digest(data)[:8]}"
    folder = services.data_dir / "made"
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    out = folder / f"{name}.pdf"
    made = await services.workshop.make(
        template, data, out, look=look, profile=profile, preview=out.with_suffix(".png"), locale=locale
    )
    return name, made


async def picture(
    services: Services, template: str, look: str, data: dict[str, str], locale: str
) -> tuple[Path, Made]:
    """Return a small picture of a template with the store's data; made once, then kept."""
    folder = services.data_dir / "previews"
    small = folder / f"{template}-{look}-{digest(data)[:12]}.png"
    if await asyncio.to_thread(small.is_file):
        return small, Made(verdict="printable")
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    out, large = folder / f"{small.stem}.pdf", folder / f"{small.stem}.large"
    made = await services.workshop.make(
        template, data, out, look=look, profile="screen", preview=large, locale=locale
    )
    await asyncio.to_thread(_shrink, large, small)
    await asyncio.to_thread(out.unlink, missing_ok=True)
    return small, made


def _shrink(large: Path, small: Path) -> None:
    """Keep a picture of at most 240 × 320 dots: some 20 KiB."""
    if not large.is_file():
        return
    from PIL import Image

    with Image.open(large) as image:
        image.thumbnail((240, 320))
        fresh = small.with_suffix(".new")
        image.convert("RGB").quantize(64).save(fresh, "PNG", optimize=True)
    os.replace(fresh, small)
    large.unlink()


def digest(data: dict[str, str]) -> str:
    """Return what stands for data in a file's name."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
