"""A CMYK profile that the user brings: read, judged, named (ICC.1:2010, header 7.2)."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from posters.errors import UsageError

MAX_BYTES = 16 * 2**20


def read(path: Path) -> bytes:
    """Return a profile for printing in CMYK; one sentence when the file is none."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError("{file} is larger than 16 MB and no profile of a printing condition", file=path)
        data = path.read_bytes()
    except OSError as error:
        raise UsageError("{file} cannot be read: {why}", file=path, why=error.strerror or error) from error
    if len(data) < 132 or data[36:40] != b"acsp":
        raise UsageError("{file} is no ICC profile", file=path)
    if data[12:16] != b"prtr" or data[16:20] != b"CMYK":
        raise UsageError("{file} is no profile for printing in CMYK: ask the shop for theirs", file=path)
    return data


def description(data: bytes) -> str:
    """Return what the profile calls itself."""
    from PIL import ImageCms

    try:
        return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(BytesIO(data))).strip() or "Custom"
    except (OSError, ImageCms.PyCMSError):
        return "Custom"
