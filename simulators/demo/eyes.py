"""Reading back what was shown or printed: codes from pictures and from rendered PDF pages."""

from __future__ import annotations

import io
from pathlib import Path

PDF_DPI = 200


def codes(png: bytes) -> dict[str, str]:
    """Return the codes of a picture: text by kind, `qr` and `code128`."""
    import zxingcpp
    from PIL import Image

    with Image.open(io.BytesIO(png)) as image:
        found = zxingcpp.read_barcodes(image.convert("L"))
    names = {"QRCode": "qr", "Code128": "code128"}
    return {names.get(c.format.name, c.format.name): c.text for c in found}


def pages(pdf: Path) -> list[bytes]:
    """Return the pages of a PDF as PNG."""
    import pypdfium2

    made = []
    with pypdfium2.PdfDocument(pdf) as document:
        for page in document:
            out = io.BytesIO()
            page.render(scale=PDF_DPI / 72).to_pil().save(out, "PNG")
            made.append(out.getvalue())
            page.close()
    return made
