"""The screen without a browser on a real DRM driver: the kernel's framebuffer is its emulation on a dumb buffer, as on a Pi."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from kiosk.screen.canvas import KD_GRAPHICS, KD_TEXT, Framebuffer, open_canvas, without_text
from kiosk.screen.decode import read
from kiosk.screen.drawing import draw
from kiosk.screen.glass import connector
from kiosk.screen.link import Link
from kiosk.screen.painter import Painter
from tests.screen.test_drawing import LINK, view
from tests.web.rig import rig

pytestmark = pytest.mark.heavy
DEVICE = Path("/dev/fb0")
FBIOBLANK, UNBLANK, POWERDOWN = 0x4611, 0, 4
"""linux/fb.h"""
KDGETMODE = 0x4B3B


@pytest.fixture(autouse=True)
def console() -> Iterator[int]:
    """Give the display's console, quiet as `kiosk screen` makes it: its cursor was 16 grey dots in a picture that should be black."""
    opened = os.open("/dev/tty1", os.O_RDWR | os.O_NOCTTY)
    try:
        with without_text(opened) as quiet:
            assert quiet
            yield opened
    finally:
        os.close(opened)


def shown(fb: Framebuffer, path: Path) -> Path:
    """Read back from the kernel what is on the display."""
    about = Path("/sys/class/graphics/fb0")
    assert (about / "bits_per_pixel").read_text().strip() == "32"
    stride = int((about / "stride").read_text())
    raw = DEVICE.read_bytes()[: stride * fb.size[1]]
    Image.frombytes("RGB", fb.size, raw, "raw", "BGRX", stride).save(path, "PNG")
    return path


def blank(how: int) -> None:
    with DEVICE.open("r+b", buffering=0) as device:
        fcntl.ioctl(device, FBIOBLANK, how)


def test_a_picture_is_on_the_display_and_its_code_is_read(tmp_path: Path) -> None:
    fb = open_canvas(f"fb:{DEVICE}")
    assert isinstance(fb, Framebuffer)
    assert min(fb.size) >= 480
    assert connector() == "on"
    fb.show(draw(view(), fb.size).image)
    assert read(shown(fb, tmp_path / "a.png")) == LINK
    fb.show(draw(view(open=False), fb.size).image)
    with Image.open(shown(fb, tmp_path / "b.png")) as dark:
        assert dark.getcolors() == [(fb.size[0] * fb.size[1], (0, 0, 0))]


def test_a_display_that_is_switched_off_is_known() -> None:
    blank(POWERDOWN)
    try:
        assert connector() == "off"
    finally:
        blank(UNBLANK)
    assert connector() == "on"


def test_the_kernels_cursor_and_messages_come_back_afterwards(console: int) -> None:
    assert mode(console) == KD_GRAPHICS
    with without_text(console) as quiet:
        assert quiet
    assert mode(console) == KD_TEXT


def mode(console: int) -> int:
    return int.from_bytes(fcntl.ioctl(console, KDGETMODE, bytes(4)), "little")


async def test_the_painter_proves_what_it_drew_there(tmp_path: Path) -> None:
    fb = Framebuffer(DEVICE)
    async with rig(tmp_path, hub=False) as kiosk:
        await asyncio.to_thread(Painter(Link(kiosk.url), fb).take, view(seq=1))
        assert kiosk.daemon.glass is not None
        assert kiosk.daemon.glass.state() == "ok"
    assert read(shown(fb, tmp_path / "a.png")) == LINK
