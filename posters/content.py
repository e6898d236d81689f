"""What a page paints, read from its content streams: colours with their places, without rendering."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import pikepdf
from pikepdf import Dictionary, Name, Object, Page

from posters import pencil
from posters.geometry import Affine
from posters.inks import Bounds, Ink, Paint, overlap

UNTURNED = Affine()
CHORDS = 16
TRIM = "/KioskTrim"  # of a form: the trim of the piece that it draws, in its own points
EDGE_PT = 0.5  # a line on the edge of a form is half seen
MAX_DEPTH = 8  # forms within forms; deeper is a loop or a trick
_FILLS = {"f", "F", "f*", "B", "B*", "b", "b*"}
_STROKES = {"S", "s", "B", "B*", "b", "b*"}
_SETS = {"w", "Tf", "gs"}
_TEXT = {"BT", "Tm", "Td", "TD", "Tj", "TJ", "'", '"'}
_PLAIN = (Name.Normal, Name.Compatible)
_SPACES = {"g": "grey", "k": "cmyk", "rg": "rgb"}
_DEVICE = {
    "/DeviceGray": "grey",
    "/DeviceCMYK": "cmyk",
    "/DeviceRGB": "rgb",
    "/G": "grey",
    "/CMYK": "cmyk",
    "/RGB": "rgb",
}
BLACK = Ink("grey", (0.0,))


class _State(NamedTuple):
    matrix: Affine = Affine()
    fill: Ink = BLACK
    stroke: Ink = BLACK
    width: float = 1.0
    font: str = ""
    size: float = 0.0
    over_fill: bool = False
    over_stroke: bool = False
    clear: bool = False
    piece: Bounds | None = None

    def scale(self, inner: Affine = UNTURNED) -> float:
        """Return how much lengths grow on the way to the page."""
        whole = _times(inner, self.matrix)
        return math.sqrt(abs(whole.a * whole.d - whole.b * whole.c))


def paints(page: Page) -> list[Paint]:
    """Return everything the page paints, in order, in points of its media."""
    return list(_Reader(page.obj.get("/Resources", Dictionary())).read(page, _State(), 0))


class _Reader:
    """Walks one content stream."""

    def __init__(self, resources: Object) -> None:
        self.resources = resources
        self.points: list[tuple[float, float]] = []
        self.steps: list[list[tuple[float, float]]] = []
        self.text = self.line = UNTURNED

    def read(self, stream: Page | Object, state: _State, depth: int) -> Iterator[Paint]:
        """Yield the paints of a stream that starts in `state`."""
        stack: list[_State] = []
        for step in pikepdf.parse_content_stream(stream):
            op, operands = str(step.operator), list(step.operands)
            if op == "q":
                stack.append(state)
            elif op == "Q":
                state = stack.pop() if stack else state
            elif op == "cm":
                state = state._replace(matrix=_times(Affine(*map(float, operands)), state.matrix))
            elif op == "Do":
                yield from self._object(operands[0], state, depth)
            elif op == "INLINE IMAGE":
                yield Paint("image", _unit(state.matrix), Ink("other", ()))
            elif op in _SETS:
                state = self._set(op, operands, state)
            elif op in _TEXT:
                yield from self._type(op, operands, state)
            else:
                state = self._color(op, operands, state)
                yield from self._paint(op, operands, state)

    def _set(self, op: str, operands: list[Any], state: _State) -> _State:
        """Return the state after an operator that sets a line's width, a font or an extended state."""
        if op == "w":
            return state._replace(width=float(operands[0]))
        if op == "Tf":
            return state._replace(font=str(operands[0]), size=float(operands[1]))
        given = self.resources.get("/ExtGState", Dictionary()).get(str(operands[0]), Dictionary())
        stroke = bool(given.get("/OP", state.over_stroke))
        fill = bool(given.get("/op", given.get("/OP", state.over_fill)))
        opaque = all(float(given.get(key, 1)) >= 1 for key in ("/CA", "/ca"))
        plain = (
            given.get("/SMask", Name("/None")) == Name("/None") and given.get("/BM", Name.Normal) in _PLAIN
        )
        return state._replace(over_fill=fill, over_stroke=stroke, clear=not (opaque and plain))

    def _type(self, op: str, operands: list[Any], state: _State) -> Iterator[Paint]:
        """Move the pen of the text or yield what a string shows."""
        if op == "BT":
            self.text = self.line = UNTURNED
        elif op == "Tm":
            self.text = self.line = Affine(*map(float, operands))
        elif op in ("Td", "TD"):
            step = Affine(e=float(operands[0]), f=float(operands[1]))
            self.text = self.line = _times(step, self.line)
        elif operands:
            found = pencil.shown(pencil.font_of(self.resources, state.font), operands[-1])
            place = _times(self.text, state.matrix)
            high, wide = state.size, found.width * state.size
            bounds = _box([place(x, y) for x in (0.0, wide) for y in (0.0, 0.7 * high)])
            self.text = _times(Affine(e=wide), self.text)
            yield Paint(
                "text",
                bounds,
                state.fill,
                size=high * state.scale(self.line),
                overprint=state.over_fill,
                clear=state.clear,
                box=found.box,
                piece=state.piece,
            )

    def _color(self, op: str, operands: list[Any], state: _State) -> _State:
        """Return the state after an operator that sets a colour."""
        low, filling = op.lower(), op.islower()
        old = state.fill if filling else state.stroke
        if low in _SPACES:
            ink = Ink(_SPACES[low], tuple(float(v) for v in operands))
        elif low == "cs":
            ink = Ink(self._space(operands[0]), ())
        elif low in ("sc", "scn"):
            ink = Ink(old.space, tuple(float(v) for v in operands if not isinstance(v, Name)))
        else:
            return state
        return state._replace(fill=ink) if filling else state._replace(stroke=ink)

    def _space(self, name: Object) -> str:
        """Return the kind of a colour space by name."""
        known = _DEVICE.get(str(name))
        if known:
            return known
        space = self.resources.get("/ColorSpace", Dictionary()).get(str(name), name)
        family = str(space[0]) if isinstance(space, pikepdf.Array) else str(space)
        return {"/Separation": "spot", "/DeviceN": "spot", "/ICCBased": "icc"}.get(
            family, _DEVICE.get(family, "other")
        )

    def _paint(self, op: str, operands: list[Any], state: _State) -> Iterator[Paint]:
        """Collect the points of a path or yield what an operator paints."""
        if op == "re":
            x, y, w, h = map(float, operands)
            corners = [(x, y), (x + w, y), (x + w, y + h), (x, y + h)]
            self._walk([state.matrix(*corner) for corner in [*corners, corners[0]]])
        elif op == "m":
            self.points.append(state.matrix(float(operands[0]), float(operands[1])))
        elif op in ("l", "c", "v", "y"):
            values = [float(v) for v in operands]
            points = [state.matrix(values[i], values[i + 1]) for i in range(0, len(values), 2)]
            self._walk([self.points[-1] if self.points else points[0], *points])
        elif op in _FILLS | _STROKES | {"n"}:
            if self.points:
                box = _box(self.points)
                if op in _FILLS:
                    yield Paint("fill", box, state.fill, overprint=state.over_fill, clear=state.clear)
                if op in _STROKES:
                    width = state.width * state.scale()
                    yield Paint(
                        "stroke", box, state.stroke, self._pieces(), width, state.over_stroke, state.clear
                    )
            self.points, self.steps = [], []
        elif op == "sh":
            yield Paint("shading", (-1e6, -1e6, 1e6, 1e6), Ink("other", ()), clear=state.clear)

    def _walk(self, points: list[tuple[float, float]]) -> None:
        self.points += points
        self.steps.append(points)

    def _pieces(self) -> tuple[Bounds, ...]:
        """Return the boxes of the short straight parts of a line."""
        lines = [[p[0], *_flat(p)] if 3 <= len(p) <= 4 else p for p in self.steps]
        return tuple(_box([a, b]) for line in lines for a, b in itertools.pairwise(line))

    def _object(self, name: Object, state: _State, depth: int) -> Iterator[Paint]:
        """Yield the paints of an image or a form."""
        found = self.resources.get("/XObject", Dictionary()).get(str(name))
        if found is None:
            return
        if found.get("/Subtype") == Name.Image:
            space = found.get("/ColorSpace", Name.DeviceGray)
            pixels = (int(found.get("/Width", 0)), int(found.get("/Height", 0)))
            clear = state.clear or "/SMask" in found
            ink = Ink(_image_space(space), (1.0,) * 4)
            yield Paint("image", _unit(state.matrix), ink, clear=clear, pixels=pixels, picture=found)
        elif depth < MAX_DEPTH:
            matrix = Affine(*map(float, found.get("/Matrix", [1, 0, 0, 1, 0, 0])))
            inner = _Reader(found.get("/Resources", self.resources))
            placed = state._replace(matrix=_times(matrix, state.matrix))
            seen = _window(found, placed)
            for paint in inner.read(found, placed._replace(piece=_piece(found, placed)), depth + 1):
                if seen is None or overlap(paint.bounds, seen):
                    yield paint


def _window(form: Object, state: _State) -> Bounds | None:
    """Return where a form can be seen: nothing of it shows outside its box."""
    if "/BBox" not in form:
        return None
    x0, y0, x1, y1 = (float(v) for v in form.BBox)
    left, low, right, high = _box([state.matrix(x, y) for x in (x0, x1) for y in (y0, y1)])
    return left - EDGE_PT, low - EDGE_PT, right + EDGE_PT, high + EDGE_PT


def _piece(form: Object, state: _State) -> Bounds | None:
    """Return where the trim of a piece falls that a form of ours is; what is within a piece is part of it."""
    if TRIM not in form:
        return state.piece
    x0, y0, x1, y1 = (float(v) for v in form[TRIM])
    return _box([state.matrix(x, y) for x in (x0, x1) for y in (y0, y1)])


def _image_space(space: Object) -> str:
    name = str(space[0]) if isinstance(space, pikepdf.Array) else str(space)
    if name == "/ICCBased" and isinstance(space, pikepdf.Array):
        return {1: "grey", 3: "rgb", 4: "cmyk"}.get(int(space[1].get("/N", 0)), "icc")
    return _DEVICE.get(name, "other")


def _flat(given: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return points on a cubic (for v and y near enough to it), 16 to a curve."""
    p = given if len(given) == 4 else [given[0], given[1], *given[1:]]
    places = []
    for n in range(1, CHORDS + 1):
        t = n / CHORDS
        u = 1 - t
        weights = (u**3, 3 * u * u * t, 3 * u * t * t, t**3)
        places.append(
            (
                sum(w * q[0] for w, q in zip(weights, p, strict=True)),
                sum(w * q[1] for w, q in zip(weights, p, strict=True)),
            )
        )
    return places


def _unit(matrix: Affine) -> Bounds:
    """Return where the unit square, which is an image, falls."""
    return _box([matrix(x, y) for x in (0, 1) for y in (0, 1)])


def _box(points: list[tuple[float, float]]) -> Bounds:
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    return min(xs), min(ys), max(xs), max(ys)


def _times(inner: Affine, outer: Affine) -> Affine:
    """Return the transform that applies `inner` first."""
    e, f = outer(inner.e, inner.f)
    return Affine(
        outer.a * inner.a + outer.c * inner.b,
        outer.b * inner.a + outer.d * inner.b,
        outer.a * inner.c + outer.c * inner.d,
        outer.b * inner.c + outer.d * inner.d,
        e,
        f,
    )
