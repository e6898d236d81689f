"""The proof: open the finished file, look at its pages, read its codes back. It trusts nothing the maker knew."""

from __future__ import annotations

import math
from io import BytesIO
from typing import TYPE_CHECKING, Any

import msgspec

from posters import content, cutmarks, gates, inks, pictureink, preflight, raster
from posters.result import FaceProof, Finding
from posters.symbol import FLOOR_MM, LOGO_SHARE, PIXELS_PER_MODULE_METRES, QUIET_MODULES
from posters.units import mm

if TYPE_CHECKING:
    import pikepdf
    from PIL.Image import Image

LIGHT = 190  # of 255: paper, or a tint that a camera takes for paper
QUIET_SLACK = 0.25  # modules: a module is 6 px or more, an edge is known to a pixel


class Expect(msgspec.Struct, frozen=True):
    """What the file should hold."""

    payloads: list[str] = []
    level: str | None = None
    version: int | None = None
    module_mm: float = 0.0  # below it a person must confirm
    codes: list[int] = []  # on each page; one on each when not said
    sketches: list[int] = []  # pages for people, whose small pictures no press has to hold
    by_page: list[list[str]] = []  # the addresses of each page, where stores share sheets


class Proof(msgspec.Struct, frozen=True):
    """What was seen."""

    pages: int
    faces: list[FaceProof]
    findings: list[Finding]
    fonts: list[dict[str, Any]]
    sheets: list[dict[str, Any]] = []


def prove(pdf: bytes, expect: Expect) -> Proof:
    """Read every code back from the rendered pages and inspect how the file is made."""
    import pikepdf

    faces: list[FaceProof] = []
    findings: list[Finding] = []
    sheets: list[dict[str, Any]] = []
    with pikepdf.Pdf.open(BytesIO(pdf)) as document:
        x1a = "PDF/X-1" in str(document.docinfo.get("/GTS_PDFXVersion", ""))
        shots = raster.each(_upright(document, pdf), gates.dpi_for, grey=True)
        for number, (page, (image, dpi)) in enumerate(zip(document.pages, shots, strict=True), 1):
            painted = content.paints(page)
            inked = pictureink.measure(painted)
            readings = gates.read(image)
            places = [_on_page(reading, dpi, page) for reading in readings]
            pieces = [] if expect.codes else _pieces_of_others(page, painted, places)
            wanted = expect.codes[number - 1] if expect.codes else max(1, len(pieces))
            alone = len(readings) == wanted
            found = [
                _face(
                    number, image, reading, mm(reading.module_px * 72 / dpi),
                    k_only=inks.code_is_black_only(painted, place), alone=alone,
                )
                for reading, place in zip(readings, places, strict=True)
            ]  # fmt: skip
            faces += found
            findings += _page_findings(number, found, expect, wanted)
            if number not in expect.sketches:
                findings += preflight.findings(number, page, painted, image, dpi, x1a, inked, pieces)
            sheets.append(preflight.figures(number, page, painted, inked, pieces))
        fonts = _fonts(document)
    findings += [
        Finding.of("refuse", "font", f["name"], "the font {name} is not embedded in the file", name=f["name"])
        for f in fonts
        if not f["embedded"]
    ]
    return Proof(len(sheets), faces, findings, fonts, sheets)


def _upright(document: pikepdf.Pdf, pdf: bytes) -> bytes:
    """Return the file with no page turned or cropped, so that pixels and points share one origin."""
    turned = [
        p for p in document.pages if int(p.obj.get("/Rotate", 0)) or list(p.cropbox) != list(p.mediabox)
    ]
    if not turned:
        return pdf
    for page in turned:
        page.obj.Rotate = 0
        page.obj.CropBox = page.mediabox
    out = BytesIO()
    document.save(out)
    return out.getvalue()


def _on_page(reading: gates.Reading, dpi: float, page: pikepdf.Page) -> inks.Bounds:
    """Return where a code lies in points of the page, half a module within its edge."""
    left, _, _, top = (float(v) for v in page.mediabox)
    area, scale = reading.area, 72 / dpi
    inset = reading.module_px * scale / 2
    return (
        left + area.left * scale + inset,
        top - area.bottom * scale + inset,
        left + area.right * scale - inset,
        top - area.top * scale - inset,
    )


def _pieces_of_others(
    page: pikepdf.Page, painted: list[inks.Paint], places: list[inks.Bounds]
) -> list[inks.Bounds]:
    """Return the pieces of a sheet that we did not put together, where its boxes do not say what is cut out."""
    media, trim = ([float(v) for v in box] for box in (page.mediabox, page.trimbox))
    return cutmarks.cells(painted, places) if media == trim else []


def prove_pictures(pictures: list[Image], dpi: int, expect: Expect) -> Proof:
    """Read the codes back from CMYK pictures, a face each, and look at the plates under them."""
    faces: list[FaceProof] = []
    findings: list[Finding] = []
    for number, picture in enumerate(pictures, 1):
        grey = picture.convert("L")
        found = [_pictured(number, grey, picture, reading, dpi) for reading in gates.read(grey)]
        faces += found
        findings += _page_findings(number, found, expect, 1)
    return Proof(len(pictures), faces, findings, [])


def _pictured(number: int, grey: Image, picture: Image, reading: gates.Reading, dpi: int) -> FaceProof:
    area = reading.area
    box = (round(area.left), round(area.top), round(area.right), round(area.bottom))
    code = picture.crop(box)
    middle = math.sqrt(LOGO_SHARE) * code.width / 2
    low, high = round(code.width / 2 - middle), round(code.width / 2 + middle)
    code.paste((0, 0, 0, 0), (low, low, high, high))
    inked = [max(_extrema(plate)) for plate in code.split()[:3]]
    module_mm = reading.module_px * 25.4 / dpi
    return _face(number, grey, reading, module_mm, k_only=not any(inked), alone=True)


def _face(
    number: int, image: Image, reading: gates.Reading, module_mm: float, *, k_only: bool, alone: bool
) -> FaceProof:
    return FaceProof(
        page=number,
        payload=reading.payload,
        level=reading.level,
        version=reading.version,
        module_mm=round(module_mm, 2),
        quiet_modules=_quiet(image, reading.area, reading.module_px),
        k_only=k_only,
        gates=gates.run(image, reading, reading.area, reading.module_px, alone),
        distance_m=round(module_mm * PIXELS_PER_MODULE_METRES, 2),
    )


def _quiet(image: Image, area: gates.Area, module_px: float) -> float:
    """Return the light margin round the symbol in modules, at most 6."""
    steps = int(6 * module_px)
    for step in range(1, steps + 1):
        box = [
            round(area.left) - step,
            round(area.top) - step,
            round(area.right) + step,
            round(area.bottom) + step,
        ]
        if box[0] < 0 or box[1] < 0 or box[2] > image.width or box[3] > image.height:
            return round((step - 1) / module_px, 1)
        strips = [
            (box[0], box[1], box[2], box[1] + 1),
            (box[0], box[3] - 1, box[2], box[3]),
            (box[0], box[1], box[0] + 1, box[3]),
            (box[2] - 1, box[1], box[2], box[3]),
        ]
        darkest = min(_darkest(image, strip) for strip in strips)
        if darkest < LIGHT and step > 1:  # the first ring may still touch a soft edge
            return round((step - 1) / module_px, 1)
    return 6.0


def _darkest(image: Image, box: tuple[int, int, int, int]) -> int:
    return _extrema(image.crop(box))[0]


def _extrema(image: Image) -> tuple[int, int]:
    """Return the darkest and lightest value of a picture with one band."""
    low, high = image.getextrema()
    assert isinstance(low, (int, float))
    assert isinstance(high, (int, float))
    return int(low), int(high)


def _page_findings(number: int, faces: list[FaceProof], expect: Expect, wanted: int) -> list[Finding]:
    """Return what is wrong with the codes of one page."""
    where = f"page {number}"
    if not faces and not wanted:
        return []
    if not faces:
        return [
            Finding.of("refuse", "no-code", where, "page {page} has no QR code that can be read", page=number)
        ]
    found: list[Finding] = []
    if len(faces) != wanted:
        sentence = "QR codes on page {page}: {n}; {wanted} would be right"
        args = {"page": number, "n": len(faces), "wanted": wanted}
        found.append(Finding.of("refuse", "many-codes", where, sentence, **args))
    if expect.by_page and sorted(f.payload for f in faces) != sorted(expect.by_page[number - 1]):
        sentence = "the codes on page {page} are not those of its stores"
        found.append(Finding.of("refuse", "payload", where, sentence, page=number))
    for face in faces:
        found += _face_findings(where, face, expect)
    return found


def _face_findings(where: str, face: FaceProof, expect: Expect) -> list[Finding]:
    found = []

    def add(bad: bool, code: str, sentence: str, **args: object) -> None:
        if bad:
            found.append(Finding.of("refuse", code, where, sentence, page=face.page, **args))

    add(
        bool(expect.payloads) and face.payload not in expect.payloads,
        "payload",
        "the code on page {page} opens {payload}, not {expected}",
        payload=face.payload,
        expected=expect.payloads[0] if expect.payloads else "",
    )
    add(
        (expect.level not in (None, face.level)) or (expect.version not in (None, face.version)),
        "symbol",
        "the code on page {page} is version {version}-{level}, not the one that was drawn",
        version=face.version,
        level=face.level,
    )
    failed = [name for name, passed in face.gates.items() if not passed and name != "dpi150"]
    add(bool(failed), "gates", "the code on page {page} fails: {gates}", gates=", ".join(failed))
    add(
        face.quiet_modules < QUIET_MODULES - QUIET_SLACK,
        "quiet",
        "the quiet zone of the code on page {page} is {quiet} modules; 4 are needed",
        quiet=face.quiet_modules,
    )
    add(not face.k_only, "k-only", "the code on page {page} is not printed in black (K) alone")
    small = {"page": face.page, "mm": f"{face.module_mm:.2f}"}
    add(
        face.module_mm < FLOOR_MM - 0.005,
        "module",
        "the code on page {page} has modules of {mm} mm; 0.40 mm is the least",
        mm=small["mm"],
    )
    if FLOOR_MM - 0.005 <= face.module_mm < expect.module_mm - 0.005:
        sentence = (
            "the code on page {page} has modules of {mm} mm; {wanted} mm reads better: shorten the link"
        )
        found.append(Finding.of("confirm", "module", where, sentence, wanted=expect.module_mm, **small))
    return found


def _fonts(document: pikepdf.Pdf) -> list[dict[str, Any]]:
    """Return every font with its name and whether it is embedded."""
    import pikepdf

    fonts: dict[str, bool] = {}
    direct = [
        f for page in document.pages for f in page.resources.get("/Font", pikepdf.Dictionary()).values()
    ]
    for found in [*document.objects, *direct]:
        if not isinstance(found, pikepdf.Dictionary) or found.get("/Type") != pikepdf.Name.Font:
            continue
        if found.get("/Subtype") in (pikepdf.Name.Type0, pikepdf.Name.Type3):
            continue
        name = str(found.get("/BaseFont", "?")).lstrip("/")
        descriptor = found.get("/FontDescriptor", pikepdf.Dictionary())
        embedded = any(key in descriptor for key in ("/FontFile", "/FontFile2", "/FontFile3"))
        fonts[name] = fonts.get(name, True) and embedded
    return [{"name": name, "embedded": fonts[name]} for name in sorted(fonts)]
