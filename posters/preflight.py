"""What a print shop would send a page back for, found in how the page is made and in how it looks at its edges.

The rules are those of the trade (docs/stands-and-posters.md lists them); each has a file with that one fault planted in
tests/posters/test_preflight.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from posters.inks import overlap
from posters.pictures import dpi_range
from posters.result import Finding, Level
from posters.units import PT_PER_MM

if TYPE_CHECKING:
    import pikepdf
    from PIL.Image import Image

    from posters.inks import Bounds, Paint
    from posters.pictureink import PictureInk

MOST_INK = 300  # per cent on coated paper
PICTURE_SLACK = 3.0  # per cent that packing as JPEG may add
LEAST_LINE_PT = 0.25  # 0.09 mm; thinner ones break up or vanish
LEAST_TYPE_PT, POOR_TYPE_PT = 5.0, 5.95
SAFE_MM = 3.0  # the floor; templates keep 5
LEAST_DPI = 30
WHITE = 250  # of 255
BARE_SHARE = 0.2  # of an edge whose art does not go on into the bleed
MOST_BLEED_MM = 1.0  # less bleed than this is none


def findings(
    number: int,
    page: pikepdf.Page,
    painted: list[Paint],
    image: Image,
    dpi: float,
    x1a: bool,
    pictures: PictureInk,
    pieces: Sequence[Bounds] = (),
) -> list[Finding]:
    """Return every finding of one page; `pictures` is the ink of what is placed on it, `pieces` what is cut from it."""
    found: list[Finding] = []

    def add(level: Level, code: str, sentence: str, **args: object) -> None:
        found.append(Finding.of(level, code, f"page {number}", sentence, page=number, **args))

    media, bleed, trim = (_box(box) for box in (page.mediabox, page.bleedbox, page.trimbox))
    if "/TrimBox" not in page.obj:
        add("refuse", "trim", "page {page} has no TrimBox: the shop cannot know its size")
    if "/BleedBox" not in page.obj:
        add("confirm", "bleed", "page {page} has no BleedBox")
    if not (_inside(bleed, media) and _inside(trim, bleed)):
        add("refuse", "boxes", "the boxes of page {page} do not lie within each other")
    if any(paint.ink.space == "rgb" for paint in painted):
        add("refuse", "rgb", "page {page} has RGB colours; a press prints CMYK")
    peak = max(peak_ink(painted), pictures.peak - PICTURE_SLACK)
    if peak > MOST_INK:
        add("refuse", "ink", "page {page} carries {peak} % ink; 300 % is the most", peak=round(peak))
    if pictures.unread:
        add("confirm", "picture-ink", "page {page} has a CMYK picture whose ink could not be measured")
    for level, code, sentence, args in _making(painted, trim, bleed, media, x1a, pieces):
        add(level, code, sentence, **args)
    if _has_bleed(trim, bleed) and stops_at_trim(image, media, trim, dpi):
        add(
            "refuse",
            "art",
            "the art of page {page} stops at the trim: a cut half a millimetre off shows white paper",
        )
    return found


def _making(
    painted: list[Paint], trim: Bounds, bleed: Bounds, media: Bounds, x1a: bool, pieces: Sequence[Bounds]
) -> Iterator[tuple[Level, str, str, dict[str, object]]]:
    """Yield level, code, sentence and arguments of what is wrong with how things are painted."""
    seen = [p for p in painted if overlap(p.bounds, bleed)]
    whole = [trim] if _apart(trim, media) else list(pieces)
    if any(p.kind == "text" and p.box for p in seen):
        sentence = "page {page} shows the box of a character that its font does not have"
        yield "refuse", "notdef", sentence, {}
    if any(p.overprint and p.ink.white() for p in seen):
        sentence = "page {page} has white that overprints: it vanishes on the press"
        yield "refuse", "white-overprint", sentence, {}
    lines = [p.size for p in seen if p.kind == "stroke" and p.ink.space != "spot"]
    if lines and min(lines) < LEAST_LINE_PT:
        sentence = "page {page} has a line of {pt} pt; thinner than {least} pt breaks up"
        yield "refuse", "hairline", sentence, {"pt": f"{min(lines):.2f}", "least": LEAST_LINE_PT}
    types = [p.size for p in seen if p.kind == "text"]
    if types and min(types) < POOR_TYPE_PT:
        sentence = "page {page} has type of {pt} pt; smaller than 6 pt fills in"
        level: Level = "refuse" if min(types) < LEAST_TYPE_PT else "confirm"
        yield level, "small-type", sentence, {"pt": f"{min(types):.1f}"}
    if any(_unsafe(p.bounds, e) for p in seen if p.kind == "text" for e in ([p.piece] if p.piece else whole)):
        sentence = "page {page} has type within {mm} mm of the trim: the cut may take it"
        yield "refuse", "safe", sentence, {"mm": f"{SAFE_MM:g}"}
    if any(p.clear for p in seen):
        sentence = "page {page} has transparency, which PDF/X-1a forbids and old presses print wrongly"
        yield ("refuse" if x1a else "confirm"), "transparency", sentence, {}
    coarse = min((_dpi(p) for p in seen if p.pixels[0]), default=float("inf"))
    poor = dpi_range(max(trim[2] - trim[0], trim[3] - trim[1]) / PT_PER_MM)[0]
    if coarse < poor:
        sentence = "page {page} has a picture of {dpi} dpi at its size; {least} dpi are needed"
        level = "refuse" if coarse < LEAST_DPI else "confirm"
        yield level, "picture-dpi", sentence, {"dpi": round(coarse), "least": poor}


def peak_ink(painted: list[Paint]) -> float:
    """Return the most ink of any flat colour, in per cent; spot colours count as none."""
    return max((p.ink.total() for p in painted if p.kind in ("fill", "stroke", "text")), default=0.0)


def figures(
    number: int,
    page: pikepdf.Page,
    painted: list[Paint],
    pictures: PictureInk,
    pieces: Sequence[Bounds] = (),
) -> dict[str, Any]:
    """Return what was measured on a page: sizes in mm, ink in per cent, pictures in dpi."""
    media, trim, bleed = _box(page.mediabox), _box(page.trimbox), _box(page.bleedbox)
    return {
        "page": number,
        "trim_mm": [round((trim[2] - trim[0]) / PT_PER_MM, 1), round((trim[3] - trim[1]) / PT_PER_MM, 1)],
        "bleed_mm": round((trim[0] - bleed[0]) / PT_PER_MM, 1),
        "safe_mm": _safe_mm(painted, [trim] if _apart(trim, media) or not pieces else pieces),
        "ink_peak": round(max(peak_ink(painted), pictures.peak)),
        "least_pt": round(min((p.size for p in painted if p.kind == "text"), default=0.0), 1),
        "images": [{"pixels": list(p.pixels), "dpi": round(_dpi(p))} for p in painted if p.pixels[0]],
    }


def _safe_mm(painted: list[Paint], cuts: Sequence[Bounds]) -> float | None:
    """Return how near type comes to a cut, in mm; None without type."""
    texts = [p for p in painted if p.kind == "text"]
    texts = [p for p in texts if p.piece] or texts  # the labels of a sheet of pieces are cut off
    pairs = [(p.bounds, cut) for p in texts for cut in ([p.piece] if p.piece else cuts)]
    near = [min(t[0] - c[0], t[1] - c[1], c[2] - t[2], c[3] - t[3]) for t, c in pairs if overlap(t, c)]
    return round(min(near) / PT_PER_MM, 1) if near else None


def stops_at_trim(image: Image, media: Bounds, trim: Bounds, dpi: float) -> bool:
    """Say whether something inked touches an edge of the trim from inside and is bare paper just outside."""
    px = dpi / 72
    inside, outside = 0.4 * PT_PER_MM, MOST_BLEED_MM * PT_PER_MM
    left, right = trim[0] - media[0], trim[2] - media[0]
    top, bottom = media[3] - trim[3], media[3] - trim[1]
    rows = [
        ((left, y, right), (left, z, right))
        for y, z in ((top + inside, top - outside), (bottom - inside, bottom + outside))
    ]
    for (x0, y, x1), (_, z, _) in rows:
        if _bare(
            _strip(image, x0 * px, y * px, x1 * px, y * px), _strip(image, x0 * px, z * px, x1 * px, z * px)
        ):
            return True
    columns = ((left + inside, left - outside), (right - inside, right + outside))
    return any(
        _bare(
            _strip(image, x * px, top * px, x * px, bottom * px),
            _strip(image, z * px, top * px, z * px, bottom * px),
        )
        for x, z in columns
    )


def _strip(image: Image, x0: float, y0: float, x1: float, y1: float) -> bytes:
    """Return the grey values along a line one pixel wide."""
    return image.crop(
        (round(x0), round(y0), max(round(x1), round(x0) + 1), max(round(y1), round(y0) + 1))
    ).tobytes()


def _bare(inner: bytes, outer: bytes) -> bool:
    pairs = list(zip(inner, outer, strict=False))
    return sum(a < WHITE <= b for a, b in pairs) > BARE_SHARE * len(pairs)


def _dpi(paint: Paint) -> float:
    width, height = paint.bounds[2] - paint.bounds[0], paint.bounds[3] - paint.bounds[1]
    return 72 * min(paint.pixels[0] / max(width, 1e-6), paint.pixels[1] / max(height, 1e-6))


def _has_bleed(trim: Bounds, bleed: Bounds) -> bool:
    return min(trim[0] - bleed[0], bleed[2] - trim[2]) >= MOST_BLEED_MM * PT_PER_MM


def _apart(trim: Bounds, media: Bounds) -> bool:
    """Say whether the page is larger than the piece: on a whole sheet of pieces the trim says nothing of them."""
    return trim[0] - media[0] > 1 and media[2] - trim[2] > 1


def _unsafe(text: Bounds, trim: Bounds) -> bool:
    edge = SAFE_MM * PT_PER_MM - 0.5
    if not overlap(text, trim):
        return False
    return (
        text[0] < trim[0] + edge
        or text[1] < trim[1] + edge
        or text[2] > trim[2] - edge
        or text[3] > trim[3] - edge
    )


def _box(box: Any) -> Bounds:
    x0, y0, x1, y1 = (float(v) for v in box)
    return x0, y0, x1, y1


def _inside(inner: Bounds, outer: Bounds) -> bool:
    slack = 0.01
    low = all(inner[i] >= outer[i] - slack for i in (0, 1))
    return low and all(inner[i] <= outer[i] + slack for i in (2, 3))
