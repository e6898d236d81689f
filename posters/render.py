"""Drawing operations -> PDF bytes through reportlab. Nothing is decided here."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from importlib import import_module
from io import BytesIO
from typing import Any

from msgspec import Struct

from posters import geometry as geo
from posters.faces import Faces
from posters.ops import ALL, CUT, Cmyk, Code, Draft, Image, Op, Shape, Words
from posters.symbol import QUIET_MODULES, merged
from posters.units import pt

OPERATORS = {"M": "m", "L": "l", "C": "c", "Z": "h"}
PAINTS = {(True, False): "f", (False, True): "S", (True, True): "B", (False, False): "n"}
"""Path construction and painting (ISO 32000-1, tables 59 and 60), by fill and stroke; non-zero winding."""


class Sheet(Struct, frozen=True):
    """The page of one face: its trim, the bleed outside it, the slug outside that, and what is drawn over it.

    Nothing of a round face shows outside its circle.
    """

    width: float
    height: float
    bleed: float
    slug: float = 0.0
    round: bool = False
    over: tuple[Shape, ...] = ()
    plate: int | None = None  # draw this ink alone, as grey

    @property
    def margin(self) -> float:
        """Return the distance from media edge to trim."""
        return self.bleed + self.slug

    @property
    def media(self) -> tuple[float, float]:
        """Return the page in mm."""
        return self.width + 2 * self.margin, self.height + 2 * self.margin


def render(
    draft: Draft, sheet: Sheet, faces: Faces, first_weight: int, pictures: Mapping[str, bytes]
) -> bytes:
    """Return the unfinished PDF of all faces."""
    canvas_module: Any = import_module("reportlab.pdfgen.canvas")
    # Streams as bytes: the finishing pass packs them anyway, and ASCII85 costs a tenth of the time.
    config: Any = import_module("reportlab.rl_config")
    config.useA85 = 0
    out = BytesIO()
    size = tuple(pt(side) for side in sheet.media)
    # Without a font of its own a Canvas always carries an unembedded Helvetica.
    canvas = canvas_module.Canvas(
        out, pagesize=size, pageCompression=1, invariant=1, initialFontName=faces.name(first_weight)
    )
    for page in draft.pages:
        pen = _Pen(canvas, sheet, faces, pictures)
        pen.begin()
        for op in page.ops:
            pen.draw(op)
        pen.end()
    canvas.save()
    return out.getvalue()


class _Pen:
    """Draws operations on one page; turns mm from the top of the trim into points from the bottom."""

    def __init__(self, canvas: Any, sheet: Sheet, faces: Faces, pictures: Mapping[str, bytes]) -> None:
        self.canvas, self.sheet, self.faces, self.pictures = canvas, sheet, faces, pictures

    def x(self, mm: float) -> float:
        return pt(mm + self.sheet.margin)

    def y(self, mm: float) -> float:
        return pt(self.sheet.height + self.sheet.margin - mm)

    def begin(self) -> None:
        """Cut everything off at the bleed."""
        s = self.sheet
        self.canvas.saveState()
        box = (-s.bleed, -s.bleed, s.width + 2 * s.bleed, s.height + 2 * s.bleed)
        outline = geo.rectangle(*box, s.width if s.round else 0)
        self.canvas.addLiteral(f"{self._path(outline)} W n")

    def end(self) -> None:
        """Draw what lies over the face and close the page."""
        self.canvas.restoreState()
        for shape in self.sheet.over:
            self._shape(shape)
        self.canvas.showPage()

    def draw(self, op: Op) -> None:
        """Draw one operation."""
        if isinstance(op, Shape):
            self._shape(op)
        elif isinstance(op, Words):
            self._words(op)
        elif isinstance(op, Code):
            self._code(op)
        else:
            self._image(op)

    def _path(self, outline: geo.Outline) -> str:
        """Return a path as PDF operators: reportlab's own way costs a quarter of a stand's time (1,400 numbers)."""
        parts = []
        for op, v in outline:
            points = [f"{self.x(c) if n % 2 == 0 else self.y(c):.3f}" for n, c in enumerate(v)]
            parts.append(" ".join([*points, OPERATORS[op]]))
        return " ".join(parts)

    def _shape(self, op: Shape) -> None:
        canvas = self.canvas
        canvas.saveState()
        if op.fill:
            self._fill(op.fill)
        if op.stroke:
            self._ink(op)
            canvas.setLineWidth(pt(op.width))
            canvas.setLineCap(1)
            canvas.setLineJoin(1)
            if op.dash:
                canvas.setDash([pt(d) for d in op.dash])
        canvas.addLiteral(f"{self._path(op.outline)} {PAINTS[bool(op.fill), bool(op.stroke)]}")
        canvas.restoreState()

    def _fill(self, color: Cmyk, on: Any = None) -> None:
        """Set the colour to fill with: four inks, or the grey that stands for one of them."""
        target = on or self.canvas
        if self.sheet.plate is None:
            target.setFillColorCMYK(*color)
        else:
            target.setFillGray(1 - color[self.sheet.plate])

    def _ink(self, op: Shape) -> None:
        assert op.stroke is not None
        if self.sheet.plate is not None:
            self.canvas.setStrokeGray(1 - op.stroke[self.sheet.plate])
            return
        if not op.spot:
            self.canvas.setStrokeColorCMYK(*op.stroke)
            return
        colors: Any = import_module("reportlab.lib.colors")
        shown = (1, 1, 1, 1) if op.spot == ALL else op.stroke
        self.canvas.setStrokeColor(colors.CMYKColorSep(*shown, spotName=op.spot))
        if op.spot == CUT:
            self.canvas.setStrokeOverprint(True)

    def _words(self, op: Words) -> None:
        text = self.canvas.beginText()
        text.setFont(self.faces.name(op.weight), op.size)
        text.setCharSpace(op.tracking * op.size)
        for offset, run in op.line.runs:
            if op.rotate:
                cos, sin = math.cos(math.radians(op.rotate)), math.sin(math.radians(op.rotate))
                x, y = self.x(op.x) + offset * op.size * cos, self.y(op.y) - offset * op.size * sin
                text.setTextTransform(cos, -sin, sin, cos, x, y)
            else:
                text.setTextOrigin(self.x(op.x) + offset * op.size, self.y(op.y))
            for part in re.findall(r"[\d.,:%+]+|[^\d.,:%+]+", run) if op.accent else [run]:
                figures = bool(op.accent) and part[0].isdigit()
                self._fill(op.accent if figures and op.accent else op.color, text)
                for piece in self.faces.split(part):
                    text.setFont(self.faces.name(op.weight, piece[0]), op.size)
                    text.textOut(piece)
        self.canvas.drawText(text)

    def _code(self, op: Code) -> None:
        """Draw the code: white out to the quiet zone, then every dark module in one path, K alone."""
        canvas, module = self.canvas, op.side / op.symbol.modules
        quiet = QUIET_MODULES * module
        canvas.saveState()
        self._fill((0, 0, 0, 0))
        side = pt(op.side + 2 * quiet)
        canvas.rect(self.x(op.x - quiet), self.y(op.y + op.side + quiet), side, side, stroke=0, fill=1)
        self._fill((0, 0, 0, 1))
        left, top, step = self.x(op.x), self.y(op.y), pt(module)
        rectangles = [
            f"{left + x * step:.3f} {top - (y + h) * step:.3f} {w * step:.3f} {h * step:.3f} re"
            for x, y, w, h in merged(op.symbol, op.hole)
        ]
        canvas.addLiteral(" ".join([*rectangles, "f"]))
        canvas.restoreState()

    def _image(self, op: Image) -> None:
        from PIL import Image as Pictures

        data = self.pictures[op.field]
        reader: Any = import_module("reportlab.lib.utils").ImageReader
        with Pictures.open(BytesIO(data)) as picture:
            width, height = picture.size
        x, y, w, h = op.box
        scales = (w / width, h / height)
        scale = min(scales) if op.fit == "contain" else max(scales)
        pw, ph = width * scale, height * scale
        self.canvas.saveState()
        self.canvas.addLiteral(f"{self._path(geo.rectangle(x, y, w, h, op.radius))} W n")
        left, bottom = self.x(x + (w - pw) / 2), self.y(y + (h + ph) / 2)
        # From its file a JPEG goes in as it is: unpacked it would take ten times the room and the time.
        self.canvas.drawImage(reader(BytesIO(data)), left, bottom, pt(pw), pt(ph))
        self.canvas.restoreState()
