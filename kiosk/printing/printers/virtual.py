"""virtual://DIR: a PNG a slip, whole or not at all."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from kiosk.printing.printers.port import Outcome, Status, Wants, trouble_of
from kiosk.printing.profiles import Profile


class VirtualPrinter:
    """Prints into a directory. Jobs are PNG, not ESC/POS."""

    wants: Wants = "png"

    def __init__(self, name: str, url: str, profile: Profile, directory: Path) -> None:
        self.name, self.url, self.profile, self.dir = name, url, profile, directory
        self._last = 0

    async def start(self) -> None:
        """Number on after what is there."""
        await asyncio.to_thread(self._find_last)

    def _find_last(self) -> None:
        if self.dir.is_dir():
            self._last = max(
                (int(p.name[:6]) for p in self.dir.glob("[0-9]*.png") if p.name[:6].isdigit()), default=0
            )

    async def stop(self) -> None:
        """Nothing is held."""

    async def send(self, job: bytes, *, rid: str, deadline_s: float, copies: int = 1) -> Outcome:
        """Write the picture."""
        self._last += 1
        path = self.dir / f"{self._last:06}-{rid}.png"
        try:
            await asyncio.to_thread(self._write, path, job)
        except OSError as err:
            return Outcome("failed", trouble_of(err), f"{path}: {err.strerror}", 0)
        return Outcome("printed", "", str(path), len(job))

    def _write(self, path: Path, job: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_bytes(job)
        os.replace(fresh, path)

    async def status(self) -> Status:
        """Tell whether the directory can be written."""
        place = self.dir
        while not place.exists():
            place = place.parent
        if place.is_dir() and os.access(place, os.W_OK):
            return Status("ok")
        return Status("error", f"{place} cannot be written")
