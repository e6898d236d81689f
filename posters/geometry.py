"""Shapes -> path segments in mm. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import NamedTuple

KAPPA = 0.5522847498  # control length of the cubic nearest to a quarter circle

Segment = tuple[
    str, tuple[float, ...]
]  # ("M", (x, y)), ("L", (x, y)), ("C", (x1, y1, x2, y2, x, y)), ("Z", ())
Outline = tuple[Segment, ...]

_TOKEN = re.compile(r"([MmLlHhVvCcSsQqAaZz])|(-?(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?)")
_ARITY = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "A": 7, "Z": 0}


class Affine(NamedTuple):
    """x' = a x + c y + e, y' = b x + d y + f."""

    a: float = 1
    b: float = 0
    c: float = 0
    d: float = 1
    e: float = 0
    f: float = 0

    def __call__(self, x: float, y: float) -> tuple[float, float]:
        """Return the point after the transform."""
        return self.a * x + self.c * y + self.e, self.b * x + self.d * y + self.f


def turned(degrees: float, cx: float, cy: float) -> Affine:
    """Return the turn by `degrees`, clockwise on paper, about a point."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return Affine(cos, sin, -sin, cos, cx - cos * cx + sin * cy, cy - sin * cx - cos * cy)


def transformed(outline: Outline, by: Affine) -> Outline:
    """Return the outline with every point moved."""
    moved: list[Segment] = []
    for op, values in outline:
        points: list[float] = []
        for i in range(0, len(values), 2):
            points.extend(by(values[i], values[i + 1]))
        moved.append((op, tuple(points)))
    return tuple(moved)


def rectangle(x: float, y: float, w: float, h: float, radius: float = 0) -> Outline:
    """Return a rectangle with rounded corners."""
    if radius <= 0:
        return (("M", (x, y)), ("L", (x + w, y)), ("L", (x + w, y + h)), ("L", (x, y + h)), ("Z", ()))
    r = min(radius, w / 2, h / 2)
    k = r * (1 - KAPPA)
    return (
        ("M", (x + r, y)),
        ("L", (x + w - r, y)),
        ("C", (x + w - k, y, x + w, y + k, x + w, y + r)),
        ("L", (x + w, y + h - r)),
        ("C", (x + w, y + h - k, x + w - k, y + h, x + w - r, y + h)),
        ("L", (x + r, y + h)),
        ("C", (x + k, y + h, x, y + h - k, x, y + h - r)),
        ("L", (x, y + r)),
        ("C", (x, y + k, x + k, y, x + r, y)),
        ("Z", ()),
    )


def circle(cx: float, cy: float, r: float) -> Outline:
    """Return a circle."""
    return rectangle(cx - r, cy - r, 2 * r, 2 * r, r)


def ticket(x: float, y: float, w: float, h: float, radius: float, notch: float, split: float) -> Outline:
    """Return a coupon: a rounded rectangle with a half-round notch above and below the perforation."""
    middle = x + w * split
    d = (
        f"M{x + radius} {y} H{middle - notch} A{notch} {notch} 0 0 0 {middle + notch} {y} H{x + w - radius}"
        f" A{radius} {radius} 0 0 1 {x + w} {y + radius} V{y + h - radius}"
        f" A{radius} {radius} 0 0 1 {x + w - radius} {y + h} H{middle + notch}"
        f" A{notch} {notch} 0 0 0 {middle - notch} {y + h} H{x + radius}"
        f" A{radius} {radius} 0 0 1 {x} {y + h - radius} V{y + radius}"
        f" A{radius} {radius} 0 0 1 {x + radius} {y} Z"
    )
    return parse(d)


def rays(cx: float, cy: float, inner: float, outer: float, count: int, begin: float) -> Outline:
    """Return `count` rays, each as wide as the gap beside it, in one outline."""
    segments: list[Segment] = []
    step = math.pi / count
    for i in range(count):
        a = math.radians(begin) + 2 * i * step
        corners = [(inner, a), (outer, a), (outer, a + step), (inner, a + step)]
        points = [(cx + r * math.cos(t), cy + r * math.sin(t)) for r, t in corners]
        segments.append(("M", points[0]))
        segments.extend(("L", point) for point in points[1:])
        segments.append(("Z", ()))
    return tuple(segments)


def parse(d: str) -> Outline:
    """Return the outline of an SVG path; curves of every kind become cubics."""
    return tuple(_Walk(d).segments())


def bounds(outline: Iterable[Segment]) -> tuple[float, float, float, float]:
    """Return x0, y0, x1, y1 of all points, control points included."""
    xs: list[float] = []
    ys: list[float] = []
    for _, values in outline:
        xs.extend(values[0::2])
        ys.extend(values[1::2])
    return min(xs), min(ys), max(xs), max(ys)


class _Walk:
    """A pen that walks an SVG path."""

    def __init__(self, d: str) -> None:
        rest = _TOKEN.sub("", d).replace(",", " ").strip()
        if rest:
            raise ValueError(f"path has {rest[:10]!r}, which is no command of a path")
        self.tokens = [m.group(0) for m in _TOKEN.finditer(d)]
        self.x = self.y = self.x0 = self.y0 = 0.0
        self.control: tuple[float, float] | None = None

    def segments(self) -> Iterable[Segment]:
        """Yield absolute M, L, C and Z."""
        i, command = 0, ""
        while i < len(self.tokens):
            if self.tokens[i].isalpha():
                command = self.tokens[i]
                i += 1
            arity = _ARITY[command.upper()]
            values = [float(v) for v in self.tokens[i : i + arity]]
            if len(values) < arity:
                raise ValueError(f"path ends inside {command}")
            i += arity
            yield from self._step(command, values)
            if command in "Mm":
                command = "L" if command == "M" else "l"

    def _step(self, command: str, v: list[float]) -> Iterable[Segment]:
        """Yield the segments of one command and move the pen."""
        op = command.upper()
        if op == "Z":
            self.x, self.y, self.control = self.x0, self.y0, None
            yield ("Z", ())
            return
        v = self._absolute(op, v) if command.islower() else v
        if op == "H":
            op, v = "L", [v[0], self.y]
        elif op == "V":
            op, v = "L", [self.x, v[0]]
        cubics = self._cubics(op, v)
        if op == "M":
            self.x0, self.y0 = v
        self.x, self.y = v[-2:]
        self.control = (cubics[-1][2], cubics[-1][3]) if op in "CS" else None
        yield from ((("C", c) for c in cubics) if cubics else [(op, tuple(v))])

    def _absolute(self, op: str, v: list[float]) -> list[float]:
        if op == "H":
            return [v[0] + self.x]
        if op == "V":
            return [v[0] + self.y]
        if op == "A":
            return [*v[:5], v[5] + self.x, v[6] + self.y]
        return [value + (self.x if n % 2 == 0 else self.y) for n, value in enumerate(v)]

    def _cubics(self, op: str, v: list[float]) -> list[tuple[float, ...]]:
        """Return the cubics of a curve command, none for a straight one."""
        if op == "C":
            return [tuple(v)]
        if op == "S":
            cx, cy = self.control or (self.x, self.y)
            return [(2 * self.x - cx, 2 * self.y - cy, *v)]
        if op == "Q":
            qx, qy, x, y = v
            first = (self.x + 2 / 3 * (qx - self.x), self.y + 2 / 3 * (qy - self.y))
            return [(*first, x + 2 / 3 * (qx - x), y + 2 / 3 * (qy - y), x, y)]
        if op == "A":
            return _arc(self.x, self.y, v)
        return []


def _arc(x0: float, y0: float, v: list[float]) -> list[tuple[float, ...]]:
    """Return cubics for a circular or axis-parallel elliptic arc (SVG 1.1, appendix F.6)."""
    rx, ry, _, large, sweep, x, y = v
    px, py = (x0 - x) / 2, (y0 - y) / 2
    grow = max(1.0, math.sqrt((px / rx) ** 2 + (py / ry) ** 2))
    rx, ry = rx * grow, ry * grow
    under = (rx * ry) ** 2 - (rx * py) ** 2 - (ry * px) ** 2
    k = math.sqrt(max(0.0, under) / ((rx * py) ** 2 + (ry * px) ** 2)) * (-1 if large == sweep else 1)
    ux, uy = k * rx * py / ry, -k * ry * px / rx
    cx, cy = ux + (x0 + x) / 2, uy + (y0 + y) / 2
    begin = math.atan2((py - uy) / ry, (px - ux) / rx)
    end = math.atan2((-py - uy) / ry, (-px - ux) / rx)
    span = (end - begin) % (2 * math.pi) if sweep else -((begin - end) % (2 * math.pi))
    parts = max(1, math.ceil(abs(span) / (math.pi / 2) - 1e-9))
    step = span / parts
    t = 4 / 3 * math.tan(step / 4)
    out: list[tuple[float, ...]] = []
    for n in range(parts):
        a, b = begin + n * step, begin + (n + 1) * step
        ca, sa, cb, sb = math.cos(a), math.sin(a), math.cos(b), math.sin(b)
        one = (cx + rx * (ca - t * sa), cy + ry * (sa + t * ca))
        two = (cx + rx * (cb + t * sb), cy + ry * (sb - t * cb))
        out.append((*one, *two, cx + rx * cb, cy + ry * sb))
    return out
