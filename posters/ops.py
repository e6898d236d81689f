"""What a layout is made of: drawing operations in mm, y down from the top of the trim."""

from __future__ import annotations

from msgspec import Struct, field

from posters.geometry import Outline
from posters.result import Finding, Shrunk
from posters.schema import Box
from posters.symbol import Symbol
from posters.typeset import Line

Cmyk = tuple[float, float, float, float]


ALL = "All"  # the spot colour that every plate prints
CUT = "CutContour"  # the spot colour that a cutter follows and no plate prints


class Shape(Struct, frozen=True):
    """A path to fill, to stroke, or both; with `spot` the line is in that spot colour."""

    outline: Outline
    fill: Cmyk | None = None
    stroke: Cmyk | None = None
    width: float = 0.3
    dash: tuple[float, float] | None = None
    spot: str = ""


class Words(Struct, frozen=True):
    """One set line: its left edge and baseline in mm, its size in pt, turned by `rotate` degrees clockwise."""

    x: float
    y: float
    size: float
    weight: int
    color: Cmyk
    line: Line
    accent: Cmyk | None = None
    tracking: float = 0
    rotate: float = 0


class Code(Struct, frozen=True):
    """The QR code; x, y and side are those of the symbol itself, its quiet zone lies outside."""

    x: float
    y: float
    side: float
    symbol: Symbol
    hole: int = 0  # modules left out in the middle, for a logo


class Image(Struct, frozen=True):
    """A merchant's picture in a box whose corners are rounded by `radius`."""

    field: str
    box: Box
    fit: str
    radius: float = 0


Op = Shape | Words | Code | Image


class Page(Struct, frozen=True):
    """The operations of one face, in painting order."""

    ops: list[Op] = field(default_factory=list)


class Draft(Struct, frozen=True):
    """All faces and what was decided on the way."""

    pages: list[Page]
    findings: list[Finding]
    shrunk: list[Shrunk] = []
