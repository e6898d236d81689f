"""The proof as one page for the person at the print shop: verdict, faces, figures, findings."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING

from posters import geometry as geo
from posters.ops import Cmyk, Draft, Image, Op, Page, Shape, Words
from posters.result import Result
from posters.typeset import set_line
from posters.words import say

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    from posters.faces import Faces

WIDTH, HEIGHT, MARGIN = 210.0, 297.0, 16.0
LEAST_SHARE = 0.75  # of the size of a line that is too long
THUMB_HEIGHT = 74.0
MOST_FACES, MOST_FINDINGS, MOST_THUMBS = 6, 10, 3
BLACK: Cmyk = (0, 0, 0, 1)
GREY: Cmyk = (0, 0, 0, 0.62)
COLORS: dict[str, Cmyk] = {
    "printable": (0.8, 0.1, 0.75, 0.15),
    "confirm": (0, 0.45, 0.95, 0.05),
    "refuse": (0, 0.95, 0.9, 0.1),
}
VERDICTS = {"printable": "printable", "confirm": "to be confirmed", "refuse": "not printable"}
LEVELS = {"note": "note", "confirm": "please confirm", "refuse": "fault"}


def proof_pdf(result: Result, shots: list[Picture], title: str, locale: str, revised: str) -> bytes:
    """Return the page."""
    from posters.faces import Faces
    from posters.finish import Boxes, Finish, finish
    from posters.render import Sheet, render

    lines = [(*line[:-1], _safe(line[-1])) for line in _lines(result, title, locale)]
    texts: dict[int, str] = {}
    for _, _, _, weight, _, text in lines:
        texts[weight] = texts.get(weight, "") + text + "…"
    pictures = {f"shot{n}": _jpeg(shot) for n, shot in enumerate(shots[:MOST_THUMBS])}
    with Faces(texts) as faces:
        ops = [_badge(result), *_thumbs(shots), *(_words(line, faces) for line in lines)]
        raw = render(Draft([Page(ops)], []), Sheet(WIDTH, HEIGHT, 0.0), faces, 400, pictures)
    size = (WIDTH, HEIGHT)
    return finish(raw, Finish(say("proof", locale) + f" - {title}", revised, [Boxes(size, (0, 0, *size))]))


Line = tuple[float, float, float, int, Cmyk, str]  # x, baseline, size in pt, weight, colour, text


def _lines(result: Result, title: str, locale: str) -> list[Line]:
    """Return all type of the page."""
    left, color = MARGIN, COLORS[result.verdict]
    lines: list[Line] = [
        (left, 21, 10, 400, GREY, say("proof", locale)),
        (left, 31, 22, 900, BLACK, title),
        (left + 15, 45.2, 26, 900, color, say(VERDICTS[result.verdict], locale)),
    ]
    if result.sha256:
        lines.append((left, 54, 8, 400, GREY, f"SHA-256 {result.sha256[:32]}"))
    y = 60 + THUMB_HEIGHT + 12
    for text in _facts(result, locale):
        lines.append((left, y, 8.2, 400, BLACK, text))
        y += 5.6
    y += 3
    heading = say("findings", locale) if result.findings else say("no findings", locale)
    lines.append((left, y, 12, 700, BLACK, heading))
    for finding in result.findings[:MOST_FINDINGS]:
        y += 6
        level = say(LEVELS[finding.level], locale)
        shade = COLORS["refuse"] if finding.level == "refuse" else BLACK
        lines.append((left, y, 9.5, 400, shade, f"{level} · {finding.say(locale)}"))
    if len(result.findings) > MOST_FINDINGS:
        rest = say("and {n} more", locale, n=len(result.findings) - MOST_FINDINGS)
        lines.append((left, y + 6, 9.5, 400, GREY, rest))
    lines.append(
        (
            left,
            HEIGHT - 12,
            8,
            400,
            GREY,
            say("made by reading the finished file back; scan one print with three phones", locale),
        )
    )
    return lines


def _facts(result: Result, locale: str) -> list[str]:
    """Return a line a face and a line a page."""
    facts = []
    for face in result.faces[:MOST_FACES]:
        sentence = "page {page}: opens {payload} · version {version}-{level} · module {mm} mm"
        passed = sum(face.gates.values())
        ink = say("black ink alone", locale) if face.k_only else say("NOT black ink alone", locale)
        args: dict[str, object] = {
            "page": face.page,
            "payload": face.payload,
            "version": face.version,
            "level": face.level,
        }
        facts.append(say(sentence, locale, mm=f"{face.module_mm:.2f}", **args))
        sentence = "quiet zone {quiet} · reads to {far} m · {gates} of {all} gates · {ink}"
        args = {
            "quiet": f"{face.quiet_modules:g}",
            "far": f"{face.distance_m:.1f}",
            "gates": passed,
            "ink": ink,
        }
        facts.append("    " + say(sentence, locale, all=len(face.gates), **args))
    if len(result.faces) > MOST_FACES:
        facts.append(say("and {n} more", locale, n=len(result.faces) - MOST_FACES))
    for sheet in result.sheets[:4]:
        sentence = "page {page}: trim {width} x {height} mm · bleed {bleed} mm · most ink {ink} % · smallest type {pt} pt, {safe} mm from the cut · pictures {dpi}"
        dpi = ", ".join(f"{dpi} dpi" for dpi in sorted({image["dpi"] for image in sheet["images"]})) or "-"
        width, height = sheet["trim_mm"]
        facts.append(
            say(
                sentence,
                locale,
                page=sheet["page"],
                width=width,
                height=height,
                bleed=sheet["bleed_mm"],
                ink=sheet["ink_peak"],
                pt=sheet["least_pt"],
                safe="-" if sheet["safe_mm"] is None else sheet["safe_mm"],
                dpi=dpi,
            )
        )
    embedded = sum(bool(font["embedded"]) for font in result.fonts)
    facts.append(
        say("fonts: {n}, {embedded} of them embedded", locale, n=len(result.fonts), embedded=embedded)
    )
    return facts


def _safe(text: str) -> str:
    """Return the text with a question mark for what no font of ours draws: a finding may quote it."""
    from posters.fontchain import missing

    lost = set(missing(text))
    return "".join("?" if char in lost else char for char in text)


def _words(line: Line, faces: Faces) -> Op:
    """Set a line: smaller, down to three quarters, then cut with … where it would leave the page."""
    x, y, size, weight, color, text = line
    measure = faces.measure(weight)
    room = (WIDTH - MARGIN - x) / (size * 25.4 / 72)
    fitted = set_line(text, measure)
    share = min(1.0, max(LEAST_SHARE, room / max(fitted.width, 1e-6)))
    size, room = size * share, room / share
    while fitted.width > room and len(text) > 1:
        text = text[:-2].rstrip("…") + "…"
        fitted = set_line(text, measure)
    return Words(x, y, size, weight, color, fitted)


def _badge(result: Result) -> Op:
    """Return a tick in a ring, a ring, or a cross in a square: a shape and a word besides the colour."""
    x, y, color = MARGIN, 36.0, COLORS[result.verdict]
    marks: Mapping[str, str] = {
        "printable": "M2.5 5.5 L4.8 8 L9 3",
        "confirm": "M5.5 2.6 V6.4 M5.5 8.2 V8.4",
        "refuse": "M3 3 L8 8 M8 3 L3 8",
    }
    ring = geo.rectangle(0, 0, 11, 11, 0) if result.verdict == "refuse" else geo.circle(5.5, 5.5, 5.5)
    outline = geo.transformed((*ring, *geo.parse(marks[result.verdict])), geo.Affine(e=x, f=y))
    return Shape(outline, None, color, 1.1)


def _thumbs(shots: list[Picture]) -> list[Op]:
    ops: list[Op] = []
    x = MARGIN
    for n, shot in enumerate(shots[:MOST_THUMBS]):
        width = min(THUMB_HEIGHT * shot.width / shot.height, (WIDTH - 2 * MARGIN) / MOST_THUMBS - 4)
        ops.append(Image(f"shot{n}", (x, 60, width, THUMB_HEIGHT), "contain"))
        x += width + 6
    return ops


def _jpeg(shot: Picture) -> bytes:
    from posters.pictures import cmyk

    out = BytesIO()
    shot.thumbnail((700, 700))
    cmyk(shot).save(out, "JPEG", quality=88)
    return out.getvalue()
