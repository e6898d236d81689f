"""Reading the lock files."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
NAMES = ("kiosk", "demo", "dev")
PYTHONS = ("3.11", "3.12", "3.13")


@dataclass(frozen=True)
class Pin:
    """One locked package."""

    name: str
    version: str
    marker: str
    hashes: frozenset[str]

    def wanted(self, python: str, machine: str = "aarch64") -> bool:
        """Tell whether CPython of that version on Linux gets it."""
        here = {
            "python_version": python,
            "python_full_version": f"{python}.0",
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
            "sys_platform": "linux",
            "platform_system": "Linux",
            "os_name": "posix",
            "platform_machine": machine,
        }
        return not self.marker or Marker(self.marker).evaluate(here)


def text(name: str) -> str:
    """Return a lock file."""
    return (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")


def read(name: str) -> dict[str, Pin]:
    """Return the packages of a lock file by normal name; a line that is no pin is an error."""
    pins = {}
    for entry in text(name).replace("\\\n", " ").splitlines():
        match = re.fullmatch(
            r"([a-z0-9-]+)==(\S+)(?: ; ([^-]*?))?((?:\s+--hash=sha256:[0-9a-f]{64})+)\s*", entry
        )
        assert match, f"{name}.txt: not a pinned and hashed package: {entry[:80]}"
        pins[match[1]] = Pin(
            match[1], match[2], match[3] or "", frozenset(re.findall(r"sha256:\w+", match[4]))
        )
    return pins


def wheels() -> dict[str, dict[str, str]]:
    """Return the listing of the wheels that a Raspberry Pi can use."""
    found: dict[str, dict[str, str]] = json.loads((ROOT / "requirements" / "wheels.json").read_text("utf-8"))
    return found


def project() -> dict[str, Any]:
    """Return pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def normal(name: str) -> str:
    """Return a package's normal name."""
    return str(canonicalize_name(name))
