"""What a page paints, read from its content streams: colours with their places, without rendering."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pikepdf
from pikepdf import Dictionary, Name, Object, Page

from posters.geometry import Affine

MAX_DEPTH = 8  # forms within forms; deeper is a loop or a trick
_FILLS = {"f", "F", "f*", "B", "B*", "b", "b*"}
_STROKES = {"S", "s", "B", "B*", "b", "b*"}
_SPACES = {"g": "grey", "k": "cmyk", "rg": "rgb"}
_DEVICE = {
    "/DeviceGray": "grey",
    "/DeviceCMYK": "cmyk",
    "/DeviceRGB": "rgb",
    "/G": "grey",
    "/CMYK": "cmyk",
    "/RGB": "rgb",
}

Bounds = tuple[float, float, float, float]


class Ink(NamedTuple):
    """A colour: its space and its parts."""

    space: str
    parts: tuple[float, ...]

    def black_only(self) -> bool:
        """Say whether only the black plate, or no plate, carries it."""
        if self.space == "cmyk":
            return self.parts[:3] == (0, 0, 0)
        return self.space == "grey"

    def white(self) -> bool:
        """Say whether it is bare paper."""
        return (self.space == "cmyk" and not any(self.parts)) or (self.space == "grey" and self.parts == (1,))

    def total(self) -> float:
        """Return the sum of ink in percent; spot colours count as none."""
        if self.space == "cmyk":
            return 100 * sum(self.parts)
        return 100 * (1 - self.parts[0]) if self.space == "grey" and self.parts else 0.0


class Paint(NamedTuple):
    """One act of painting."""

    kind: str  # fill, stroke, text, image, shading
    bounds: Bounds
    ink: Ink


BLACK = Ink("grey", (0.0,))


class _State(NamedTuple):
    matrix: Affine = Affine()
    fill: Ink = BLACK
    stroke: Ink = BLACK


def paints(page: Page) -> list[Paint]:
    """Return everything the page paints, in order, in points of its media."""
    return list(_Reader(page.obj.get("/Resources", Dictionary())).read(page, _State(), 0))


def code_is_black_only(all_paints: list[Paint], area: Bounds) -> bool:
    """Say whether what is seen within `area` is painted on the black plate alone."""
    seen: list[Paint] = []
    for paint in all_paints:
        if paint.kind == "fill" and paint.ink.white() and _covers(paint.bounds, area):
            seen = []
        elif _meets(paint.bounds, area):
            seen.append(paint)
    return bool(seen) and all(paint.ink.black_only() for paint in seen)


def _covers(outer: Bounds, inner: Bounds) -> bool:
    return outer[0] <= inner[0] and outer[1] <= inner[1] and outer[2] >= inner[2] and outer[3] >= inner[3]


def _meets(a: Bounds, b: Bounds) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


class _Reader:
    """Walks one content stream."""

    def __init__(self, resources: Object) -> None:
        self.resources = resources
        self.points: list[tuple[float, float]] = []
        self.size = 0.0

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
            else:
                state = self._color(op, operands, state)
                yield from self._paint(op, operands, state)

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
            self.points += [
                state.matrix(x, y),
                state.matrix(x + w, y + h),
                state.matrix(x, y + h),
                state.matrix(x + w, y),
            ]
        elif op in ("m", "l", "c", "v", "y"):
            values = [float(v) for v in operands]
            self.points += [state.matrix(values[i], values[i + 1]) for i in range(0, len(values), 2)]
        elif op in _FILLS | _STROKES | {"n"}:
            if self.points:
                box = _box(self.points)
                if op in _FILLS:
                    yield Paint("fill", box, state.fill)
                if op in _STROKES:
                    yield Paint("stroke", box, state.stroke)
            self.points = []
        elif op == "sh":
            yield Paint("shading", (-1e6, -1e6, 1e6, 1e6), Ink("other", ()))
        elif op == "Tf":
            self.size = float(operands[1])
        elif op == "Tm":
            x, y = state.matrix(float(operands[4]), float(operands[5]))
            yield Paint("text", (x, y, x + self.size, y + self.size), state.fill)

    def _object(self, name: Object, state: _State, depth: int) -> Iterator[Paint]:
        """Yield the paints of an image or a form."""
        found = self.resources.get("/XObject", Dictionary()).get(str(name))
        if found is None:
            return
        if found.get("/Subtype") == Name.Image:
            space = found.get("/ColorSpace", Name.DeviceGray)
            yield Paint("image", _unit(state.matrix), Ink(_image_space(space), (1.0,) * 4))
        elif depth < MAX_DEPTH:
            matrix = Affine(*map(float, found.get("/Matrix", [1, 0, 0, 1, 0, 0])))
            inner = _Reader(found.get("/Resources", self.resources))
            yield from inner.read(found, state._replace(matrix=_times(matrix, state.matrix)), depth + 1)


def _image_space(space: Object) -> str:
    name = str(space[0]) if isinstance(space, pikepdf.Array) else str(space)
    if name == "/ICCBased" and isinstance(space, pikepdf.Array):
        return {1: "grey", 3: "rgb", 4: "cmyk"}.get(int(space[1].get("/N", 0)), "icc")
    return _DEVICE.get(name, "other")


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
