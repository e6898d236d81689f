"""`python -m kiosk.screen.decode FILE`: prints the QR code on a picture, nothing when there is none."""

from __future__ import annotations

import sys
from pathlib import Path


def read(path: Path) -> str:
    """Return the text of the largest QR code of a picture; empty when there is none."""
    import zxingcpp
    from PIL import Image

    with Image.open(path) as image:
        found = zxingcpp.read_barcodes(image.convert("L"), formats=zxingcpp.BarcodeFormat.QRCode)  # type: ignore[arg-type]
    best = max(
        found, key=lambda code: abs(code.position.bottom_right.x - code.position.top_left.x), default=None
    )
    return best.text if best else ""


if __name__ == "__main__":
    print(read(Path(sys.argv[1])))
