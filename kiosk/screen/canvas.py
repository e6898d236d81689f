"""Where a picture is shown without a browser: the kernel's framebuffer, or a file for tests and for a look from afar."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from PIL import Image, ImageChops

SYS = Path("/sys/class/graphics")
KDSETMODE, KD_TEXT, KD_GRAPHICS = 0x4B3A, 0, 1
"""linux/kd.h; see ioctl_console(2)."""


class CanvasError(Exception):
    """A canvas that cannot be used: one sentence."""


class Canvas(Protocol):
    """A place of a fixed size."""

    size: tuple[int, int]

    def show(self, image: Image.Image) -> None:
        """Show a picture of that size."""


class PngCanvas:
    """A file, whole or not there."""

    def __init__(self, path: Path, size: tuple[int, int]) -> None:
        self._path, self.size = path, size

    def show(self, image: Image.Image) -> None:
        """Write the picture."""
        fresh = self._path.with_name(self._path.name + ".new")
        image.save(fresh, "PNG")
        fresh.replace(self._path)


class Framebuffer:
    """/dev/fbN (Documentation/fb in the kernel): 16 bits as RGB565, 32 bits as XRGB8888, little endian."""

    def __init__(self, device: Path, sys: Path = SYS) -> None:
        self._device = device
        about = sys / device.name
        try:
            width, height = (int(n) for n in (about / "virtual_size").read_text("ascii").split(","))
            self._depth = int((about / "bits_per_pixel").read_text("ascii"))
            self._stride = int((about / "stride").read_text("ascii"))
        except (OSError, ValueError) as err:
            raise CanvasError(
                f"{device}: there is no such framebuffer ({err}); connect the display before the board starts."
            ) from err
        if self._depth not in (16, 32):
            raise CanvasError(f"{device}: has {self._depth} bits a pixel; 16 and 32 can be drawn.")
        self.size = width, height

    def show(self, image: Image.Image) -> None:
        """Write the picture, line by line where lines are padded."""
        raw = packed(image, self._depth)
        line = self.size[0] * self._depth // 8
        if line != self._stride:
            pad = b"\0" * (self._stride - line)
            raw = b"".join(raw[n : n + line] + pad for n in range(0, len(raw), line))
        with self._device.open("r+b", buffering=0) as f:
            view = memoryview(raw)
            while view:
                view = view[os.write(f.fileno(), view) :]


@contextmanager
def without_text(terminal: int = 0) -> Iterator[bool]:
    """Keep the kernel's cursor and messages off the display that is drawn on; False where the terminal is no console, as over ssh."""
    try:
        fcntl.ioctl(terminal, KDSETMODE, KD_GRAPHICS)
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        fcntl.ioctl(terminal, KDSETMODE, KD_TEXT)


def packed(image: Image.Image, depth: int) -> bytes:
    """Return a picture's pixels for a framebuffer of 16 or 32 bits."""
    if depth == 32:
        red, green, blue = image.convert("RGB").split()
        return Image.merge("RGBA", (blue, green, red, Image.new("L", image.size, 255))).tobytes()
    # RRRRRGGG GGGBBBBB, the low byte first: whole channels at a time, pixel by pixel takes seconds on a small board.
    red, green, blue = image.convert("RGB").split()
    high = ImageChops.add(red.point(lambda v: v & 0xF8), green.point(lambda v: v >> 5))
    low = ImageChops.add(green.point(lambda v: v << 3 & 0xE0), blue.point(lambda v: v >> 3))
    return Image.merge("LA", (low, high)).tobytes()


def open_canvas(text: str) -> Canvas:
    """Open `fb:/dev/fb0` or `png:FILE:WIDTHxHEIGHT`."""
    kind, _, rest = text.partition(":")
    if kind == "fb" and rest.startswith("/"):
        return Framebuffer(Path(rest))
    path, _, size = rest.rpartition(":")
    width, _, height = size.partition("x")
    if (
        kind == "png"
        and path
        and width.isdigit()
        and height.isdigit()
        and 100 <= int(width) <= 8000
        and 100 <= int(height) <= 8000
    ):
        return PngCanvas(Path(path), (int(width), int(height)))
    raise CanvasError(f"{text} is no canvas; there are fb:/dev/fb0 and png:FILE:800x480.")
