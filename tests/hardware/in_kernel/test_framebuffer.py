"""The screen without a browser on a real DRM driver: the kernel's framebuffer is its emulation on a dumb buffer, as on a Pi."""

from __future__ import annotations

import asyncio
import fcntl
from pathlib import Path

import pytest
from PIL import Image

from kiosk.screen.canvas import Framebuffer, open_canvas
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


async def test_the_painter_proves_what_it_drew_there(tmp_path: Path) -> None:
    fb = Framebuffer(DEVICE)
    async with rig(tmp_path, hub=False) as kiosk:
        await asyncio.to_thread(Painter(Link(kiosk.url), fb).take, view(seq=1))
        assert kiosk.daemon.glass is not None
        assert kiosk.daemon.glass.state() == "ok"
    assert read(shown(fb, tmp_path / "a.png")) == LINK
