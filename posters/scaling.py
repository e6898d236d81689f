"""One look at another size: everything grows with the width, what height is left over goes into named bands. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from msgspec import structs

from posters import geometry as geo
from posters import schema as s
from posters.errors import UsageError

LEAST_PT = 6.0  # type and lines that a press still holds do not shrink further
LEAST_LINE_MM = 0.2

AnyShape = TypeVar("AnyShape", s.Rect, s.Circle, s.Path)


def rescaled(look: s.Look, old: s.Template, new: s.Template, give: s.Give) -> s.Look:
    """Return the look of `old` drawn for `new`."""
    front = _Mapping(old, new, give.front)
    back = _Mapping(old, new, give.back) if look.back else front
    photo = _Mapping(old, new, give.photo) if look.photo else front
    return structs.replace(
        look,
        front=[front.item(item) for item in look.front],
        photo=[photo.item(item) for item in look.photo],
        back=[back.item(item) for item in look.back],
    )


class _Mapping:
    """Takes places of one trim to another: x by the scale, y by the scale and the bands above it."""

    def __init__(self, old: s.Template, new: s.Template, bands: Sequence[s.Share]) -> None:
        if abs(sum(share for _, share in bands) - 1) > 1e-6:
            raise UsageError(
                "a template that gives height must share out all of it, not {given}", given=bands
            )
        self.old, self.new, self.bands = old, new, bands
        self.scale = new.size[0] / old.size[0]
        self.rest = new.size[1] - self.scale * old.size[1]

    def x(self, x: float) -> float:
        """Return a place across; what reached the old bleed reaches the new one."""
        return self._bled(x, self.scale * x, 0)

    def y(self, y: float) -> float:
        """Return a place down."""
        moved = self.scale * y + self.rest * sum(share for at, share in self.bands if y >= at)
        return self._bled(y, moved, 1)

    def _bled(self, value: float, moved: float, axis: int) -> float:
        if value <= -self.old.bleed:
            return min(moved, -self.new.bleed)
        if value >= self.old.size[axis] + self.old.bleed:
            return max(moved, self.new.size[axis] + self.new.bleed)
        return moved

    def box(self, box: s.Box, *, rigid: bool) -> s.Box:
        """Return a box; a rigid one keeps its proportions about its middle, another stretches."""
        x, y, w, h = box
        if not rigid:
            left, top = self.x(x), self.y(y)
            return left, top, self.x(x + w) - left, self.y(y + h) - top
        middle = self.y(y + h / 2)
        return self.scale * x, middle - self.scale * h / 2, self.scale * w, self.scale * h

    def pt(self, size: float) -> float:
        """Return a size of type in whole tenths, as the fit rules step."""
        return int(max(self.scale * size, min(size, LEAST_PT)) * 10 + 1e-6) / 10

    def width(self, width: float) -> float:
        """Return the width of a line."""
        return max(self.scale * width, min(width, LEAST_LINE_MM))

    def item(self, item: s.AnyItem) -> s.AnyItem:
        """Return the item at its new place and size."""
        k = self.scale
        if isinstance(item, s.Text):
            size, least = self.pt(item.size), self.pt(item.min) if item.min else 0
            return structs.replace(item, box=self.box(item.box, rigid=False), size=size, min=least)
        if isinstance(item, s.Qr):
            x, y, side, _ = self.box((*item.at, item.side, item.side), rigid=True)
            return structs.replace(item, at=(x, y), side=side)
        if isinstance(item, s.Ticket):
            turned = structs.replace(item, radius=k * item.radius, notch=k * item.notch)
            return structs.replace(turned, box=self.box(item.box, rigid=True))
        if isinstance(item, s.Rays):
            inner, outer = k * item.inner, k * item.outer
            return structs.replace(item, center=self._point(item.center), inner=inner, outer=outer)
        if isinstance(item, s.Drawing):
            return structs.replace(item, box=self.box(item.box, rigid=True), width=self.width(item.width))
        if isinstance(item, s.Picture):
            stretches = item.fit == "cover" and 2 * item.radius < min(item.box[2:])  # what is cut off differs
            return structs.replace(item, box=self.box(item.box, rigid=not stretches), radius=k * item.radius)
        if isinstance(item, s.Arc):
            size, least = self.pt(item.size), self.pt(item.min) if item.min else 0
            return structs.replace(item, center=self._point(item.center), r=k * item.r, size=size, min=least)
        return self._shape(item)

    def _shape(self, item: s.Rect | s.Circle | s.Path) -> s.Rect | s.Circle | s.Path:
        k = self.scale
        if isinstance(item, s.Circle):
            return structs.replace(
                item, center=self._point(item.center), r=k * item.r, width=self.width(item.width)
            )
        item = structs.replace(item, width=self.width(item.width), dash=self._dash(item.dash))
        if isinstance(item, s.Rect):
            box = self.box(item.box, rigid=bool(item.rotate))
            return structs.replace(item, box=box, radius=k * item.radius)
        if item.rotate or item.scale != 1 or item.at != (0, 0):
            return structs.replace(item, at=self._point(item.at), scale=k * item.scale)
        return structs.replace(item, d=self._outline(item.d))

    def _dash(self, dash: tuple[float, float] | None) -> tuple[float, float] | None:
        return (self.scale * dash[0], self.scale * dash[1]) if dash else None

    def _point(self, point: s.Point) -> s.Point:
        return self.scale * point[0], self.y(point[1])

    def _outline(self, d: str) -> str:
        """Return a path with every point moved."""
        words = []
        for op, values in geo.parse(d):
            places = [self.x(v) if n % 2 == 0 else self.y(v) for n, v in enumerate(values)]
            words.append(op + " ".join(f"{v:.4f}" for v in places))
        return " ".join(words)
