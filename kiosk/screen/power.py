"""Switches the display off and on: by CEC where there is an adapter, and at the compositor; the page is black besides.

CEC is asked through `cec-ctl` (v4l-utils), the kernel's own tool for /dev/cec*. "There is no adapter", "nobody acknowledged" and
"done" are three answers (facts: edge 2.2): a television that does not answer is told again a minute later, one that cannot be
asked is left alone.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

log = logging.getLogger(__name__)
Answer = Literal["done", "nobody", "cannot"]
ASK_S = 5.0
"""A bus without devices answers within 1 s; a stuck one must not hold the keeper."""
AGAIN_S = 60.0
DEV = Path("/dev")


def cec(adapter: Path, lit: bool, program: str = "cec-ctl") -> Answer:
    """Tell the display behind an adapter to wake or to stand by (HDMI 1.4b, CEC 13.3: Image View On, Standby)."""
    path = shutil.which(program)
    if path is None or not adapter.exists():
        return "cannot"
    words = [path, "-d", str(adapter), "--playback", "--to", "0", "--image-view-on" if lit else "--standby"]
    try:
        done = subprocess.run(words, timeout=ASK_S, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return "nobody"
    told = done.stdout + done.stderr
    return "done" if done.returncode == 0 and "Not Acknowledged" not in told else "nobody"


def outputs(lit: bool) -> Answer:
    """Switch the compositor's outputs, where it lets itself be told (wlr-output-power-management)."""
    path = shutil.which("wlopm")
    if path is None:
        return "cannot"
    try:
        done = subprocess.run(
            [path, "--on" if lit else "--off", "*"],
            timeout=ASK_S,
            capture_output=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "nobody"
    return "done" if done.returncode == 0 else "nobody"


class Power:
    """Follows the shop's hours; a display that did not answer is told again."""

    def __init__(
        self,
        *,
        dev: Path = DEV,
        tell: Callable[[Path, bool], Answer] = cec,
        switch: Callable[[bool], Answer] = outputs,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._dev, self._tell, self._switch, self._now = dev, tell, switch, now
        self._lit: bool | None = None
        self._settled = False
        self._told_at = 0.0

    def follow(self, lit: bool) -> dict[str, Answer]:
        """Make the display as it should be; return what was answered, empty when there was nothing to do."""
        due = self._now() - self._told_at >= AGAIN_S
        if lit == self._lit and (self._settled or not due):
            return {}
        if self._lit is None and lit:
            self._lit, self._settled = lit, True  # a screen that has just been started is on
            return {}
        self._lit, self._told_at = lit, self._now()
        answers = {"outputs": self._switch(lit)}
        for adapter in sorted(self._dev.glob("cec[0-9]*")):
            answers[adapter.name] = self._tell(adapter, lit)
        self._settled = "nobody" not in answers.values()
        log.info("the display is told to be %s: %s", "on" if lit else "off", answers)
        return answers
