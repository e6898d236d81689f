"""What can be seen of the screen from outside the page: the connector's state, and the code on a compositor's screenshot."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

DRM = Path("/sys/class/drm")
SHOT_S = 8.0
"""For the screenshot, and for its decoding (0.1 s of an x86 core, 2 s on a Pi 3): one that hangs must not make the keeper silent."""


def connector(drm: Path = DRM) -> str:
    """Return `on`, `off`, `unplugged` or `unknown`. A display counts only if it is connected and has modes (facts: edge 3(d))."""
    states = []
    for place in sorted(drm.glob("card*-*")):
        try:
            plugged = (place / "status").read_text().strip()
            modes = (place / "modes").read_text().strip()
            lit = (place / "enabled").read_text().strip()
            power = (place / "dpms").read_text().strip()
        except OSError:
            continue
        if plugged != "connected" or not modes:
            states.append("unplugged")
        else:
            states.append("on" if lit == "enabled" and power in ("On", "") else "off")
    for state in ("on", "off", "unplugged"):
        if state in states:
            return state
    return "unknown"


def screenshot_program() -> str | None:
    """Return the program that takes a compositor's screenshot, where there is one."""
    return shutil.which("grim")


def look(program: str) -> str | None:
    """Take a screenshot and return the QR code that a phone would read from it; None when there is none.

    The decoder works in a process of its own: its libraries would hold 30 MB. The picture is not packed (PPM): that would cost
    as much again as reading it.
    """
    with tempfile.TemporaryDirectory(prefix="kiosk-look-") as place:
        shot = Path(place) / "screen.ppm"
        try:
            subprocess.run(
                [program, "-t", "ppm", str(shot)], check=True, timeout=SHOT_S, stdin=subprocess.DEVNULL
            )
            read = subprocess.run(
                [sys.executable, "-m", "kiosk.screen.decode", str(shot)],
                check=True,
                timeout=SHOT_S,
                stdout=subprocess.PIPE,
                stdin=subprocess.DEVNULL,
            )
        except (OSError, subprocess.SubprocessError):
            return None
    return read.stdout.decode("utf-8", "replace").rstrip("\n") or None
