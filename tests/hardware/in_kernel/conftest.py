"""Tests that run inside a kernel of their own (`tests/hardware/test_kernel.py` boots it); nowhere else are they collected."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.hardware import kept
from tests.hardware.in_kernel.gadget import Gadget
from tests.hardware.in_kernel.wire import GadgetWire

collect_ignore_glob = [] if os.environ.get("KIOSK_IN_KERNEL") else ["test_*.py"]


@pytest.fixture(autouse=True)
def _sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again sooner than a shop needs."""
    monkeypatch.setattr(kept, "RETRY_S", (0.05, 0.2))


@pytest.fixture
def gadget() -> Iterator[Gadget]:
    """Give a USB device with a keyboard, a serial line and a printer, plugged in."""
    made = Gadget()
    made.plug()
    yield made
    taken_apart(made)


@pytest.fixture
def usb_wire(tmp_path: Path) -> Iterator[GadgetWire]:
    """Give a USB serial line, not yet plugged in."""
    made = GadgetWire(tmp_path / "by-id")
    yield made
    taken_apart(made.gadget)


def taken_apart(gadget: Gadget) -> None:
    """Take a device away and wait until the kernel has let go of it."""
    gadget.unplug()
    gadget.remove()
    deadline = time.monotonic() + 10
    while gadget.nodes() and time.monotonic() < deadline:
        time.sleep(0.02)
