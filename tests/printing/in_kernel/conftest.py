"""Tests that run inside a kernel of their own (`tests/hardware/test_kernel.py` boots it); nowhere else are they collected."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hardware.in_kernel.gadget import Gadget
from tests.printing.in_kernel.far_end import FarEnd

collect_ignore_glob = [] if os.environ.get("KIOSK_IN_KERNEL") else ["test_*.py"]


@pytest.fixture
def gadget() -> Iterator[Gadget]:
    """Give a USB device with a printer function, plugged in."""
    made = Gadget()
    made.plug()
    _wait(lambda: Path("/dev/g_printer0").exists() and any(Path("/dev/usb").glob("lp*")))
    yield made
    made.unplug()
    made.remove()
    _wait(lambda: not any(Path("/dev/usb").glob("lp*")))


@pytest.fixture
def printer(gadget: Gadget) -> Iterator[FarEnd]:
    """Give the printer at the far end of the cable."""
    made = FarEnd()
    yield made
    made.close()


def _wait(so: object) -> None:
    deadline = time.monotonic() + 20
    while not so() and time.monotonic() < deadline:  # type: ignore[operator]
        time.sleep(0.02)
