"""Tests that run inside a kernel of their own (`tests/hardware/test_kernel.py` boots it); nowhere else are they collected."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from tests.hardware.in_kernel.gadget import Gadget

collect_ignore_glob = [] if os.environ.get("KIOSK_IN_KERNEL") else ["test_*.py"]


@pytest.fixture
def gadget() -> Iterator[Gadget]:
    """Give a USB device with a keyboard, a serial line and a printer, plugged in."""
    made = Gadget()
    made.plug()
    yield made
    made.unplug()
    made.remove()
    deadline = time.monotonic() + 10
    while made.nodes() and time.monotonic() < deadline:
        time.sleep(0.02)
