"""A USB printer that comes back under another number: the kernel gives the first that is free, in the order of finding."""

from __future__ import annotations

import re
from pathlib import Path

NUMBERED = re.compile(r"(.*/lp)\d+")
SYSFS = Path("/sys/class/usbmisc")


class Replugged:
    """Where a device is now."""

    def __init__(self, path: str, sysfs: Path = SYSFS) -> None:
        self._path, self._sysfs = path, sysfs
        self._identity = ""

    def path(self) -> str:
        """Return the configured path, or the one other path that can only be the same printer.

        That is the sibling with the identity (IEEE 1284) that the printer had before, or, while that is not known, the only
        sibling there is. Between several it is never guessed: a slip would come out at another counter.
        """
        found = NUMBERED.fullmatch(self._path)
        if found is None or Path(self._path).exists():
            return self._path
        base = Path(found[1])
        others = sorted(p for p in base.parent.glob(f"{base.name}*") if NUMBERED.fullmatch(str(p)))
        if self._identity:
            others = [p for p in others if self._read(p.name) == self._identity]
        return str(others[0]) if len(others) == 1 else self._path

    def seen(self, path: str) -> None:
        """Remember who answers at a path."""
        self._identity = self._read(Path(path).name) or self._identity

    def _read(self, name: str) -> str:
        try:
            return (self._sysfs / name / "device" / "ieee1284_id").read_text("ascii", "replace").strip()
        except OSError:
            return ""  # not the printer class, or gone by now
