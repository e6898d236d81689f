"""The words of a template file. Lengths in mm from the top left of the trim, colours in % CMYK, type in pt."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

Box = tuple[float, float, float, float]
Point = tuple[float, float]
Percent = Annotated[float, Meta(ge=0, le=100)]
Cmyk = tuple[Percent, Percent, Percent, Percent]
Weight = Annotated[int, Meta(ge=100, le=900)]
Lang = Literal["zh-CN", "en"]


class Item(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What every item has: drawn only when `when` has a value and `unless` has none."""

    when: str = ""
    unless: str = ""


class Text(Item, frozen=True, kw_only=True, tag="text"):
    """Type in a box."""

    box: Box
    value: str
    size: float
    min: float = 0
    lines: int = 1
    fit: Literal["shrink", "fill", "wrap"] = "shrink"
    weight: Weight = 400
    color: str = "black"
    digits: str = ""
    align: Literal["left", "center", "right"] = "left"
    valign: Literal["top", "middle", "bottom"] = "top"
    leading: float = 1.3
    tracking: float = 0
    gap: float = 0.125


class Arc(Item, frozen=True, kw_only=True, tag="arc"):
    """One line of type on a circle of radius `r`, its middle at `middle` degrees clockwise from the top.

    In the lower half the feet of the characters point outward, so that they are read from below.
    """

    center: Point
    r: float
    value: str
    size: float
    min: float = 0
    span: Annotated[float, Meta(gt=0, le=180)] = 120
    middle: Annotated[float, Meta(ge=0, lt=360)] = 0
    weight: Weight = 400
    color: str = "black"
    tracking: float = 0
    gap: float = 0.125


class Qr(Item, frozen=True, kw_only=True, tag="qr"):
    """The code in a square of `side` at `at`, its quiet zone of 4 modules included: nobody can draw into it."""

    at: Point
    side: float


class Rect(Item, frozen=True, kw_only=True, tag="rect"):
    """A rectangle, its corners rounded by `radius`, turned by `rotate` degrees about its middle."""

    box: Box
    radius: float = 0
    fill: str = ""
    stroke: str = ""
    width: float = 0.3
    dash: tuple[float, float] | None = None
    rotate: float = 0


class Circle(Item, frozen=True, kw_only=True, tag="circle"):
    """A circle."""

    center: Point
    r: float
    fill: str = ""
    stroke: str = ""
    width: float = 0.3


class Path(Item, frozen=True, kw_only=True, tag="path"):
    """A path in the syntax of SVG (M L H V C S Q A Z), in mm; `at` moves its origin."""

    d: str
    at: Point = (0.0, 0.0)
    scale: float = 1
    rotate: float = 0
    fill: str = ""
    stroke: str = ""
    width: float = 0.3
    dash: tuple[float, float] | None = None


class Ticket(Item, frozen=True, kw_only=True, tag="ticket"):
    """A coupon with a notch on two edges and a perforation at `split` of its width."""

    box: Box
    radius: float = 1.5
    notch: float = 1.6
    split: float = 0.3
    fill: str = ""
    line: str = ""
    rotate: float = 0


class Rays(Item, frozen=True, kw_only=True, tag="rays"):
    """`count` rays from a point, each as wide as the gap beside it."""

    center: Point
    inner: float
    outer: float
    count: int
    fill: str
    begin: float = 0


class Drawing(Item, frozen=True, kw_only=True, tag="drawing"):
    """One of our own drawings, by name; `{trade}` chooses by the store's category."""

    name: str
    box: Box
    line: str
    fill: str = ""
    tint: str = ""
    width: float = 0.5
    rotate: float = 0


class Picture(Item, frozen=True, kw_only=True, tag="picture"):
    """A picture of the merchant's, never stretched; `partner_mark` is the artwork that a partner gave them.

    `cover` fills the box and cuts off what stands over, its corners rounded by `radius` (half the side: a circle).
    """

    field: Literal["logo", "image", "partner_mark"]
    box: Box
    fit: Literal["contain", "cover"] = "contain"
    radius: float = 0


AnyItem = Text | Arc | Qr | Rect | Circle | Path | Ticket | Rays | Drawing | Picture


class Names(Struct, frozen=True, forbid_unknown_fields=True):
    """A name in both languages."""

    zh: str
    en: str


class FieldRule(Struct, frozen=True, forbid_unknown_fields=True):
    """One merge field: what it is, how long it may be, an example."""

    title: Names
    max: int
    required: bool = False
    example: str = ""
    kind: Literal["text", "url", "file", "colour", "number", "date"] = "text"


Share = tuple[float, Annotated[float, Meta(ge=0, le=1)]]


class Give(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a look stretches when its height grows more than its width: (y of the base, share of the rest) a band."""

    front: list[Share]
    back: list[Share] = field(default_factory=list)
    photo: list[Share] = field(default_factory=list)


class Tent(Struct, frozen=True, forbid_unknown_fields=True):
    """A sheet folded to a tent: half the foot, one face upright, one turned, half the foot, a tab to glue; mm."""

    foot: float
    tab: float


class Template(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """template.toml: what the looks of one artefact share. With a `base` the looks are the base's, drawn at this size.

    A permanent material carries no amount and no day; a versioned one says both and is told apart by its revision.
    """

    title: Names
    size: Point
    kind: Literal["permanent", "versioned"] = "permanent"
    revision: int
    revised: str
    bleed: float = 3
    safe: float = 5
    module_mm: float = 0.8
    shape: Literal["rectangle", "round"] = "rectangle"
    tent: Tent | None = None
    base: str = ""
    give: dict[str, Give] = field(default_factory=dict)
    looks: list[str] = field(default_factory=list)
    words: dict[str, dict[str, str]] = field(default_factory=dict)


class Look(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """LOOK.toml: colours and items of one look of a template; `photo` is the front of a store that has a picture."""

    title: Names
    lang: Lang = "zh-CN"
    colors: dict[str, Cmyk]
    brand: dict[str, float] = field(
        default_factory=dict
    )  # colours that follow the merchant's, and their share of it
    front: list[AnyItem]
    photo: list[AnyItem] = field(default_factory=list)
    back: list[AnyItem] = field(default_factory=list)
    words: dict[str, dict[str, str]] = field(default_factory=dict)


class Stroke(Struct, frozen=True, forbid_unknown_fields=True):
    """One path of a drawing and the role of its colour."""

    d: str
    role: Literal["line", "fill", "tint"] = "line"


class Art(Struct, frozen=True, forbid_unknown_fields=True):
    """A drawing on a square of 100 units."""

    paths: list[Stroke]


class Drawings(Struct, frozen=True, forbid_unknown_fields=True):
    """drawings.toml: our own vector drawings, and which trade gets which."""

    art: dict[str, Art]
    trades: dict[str, list[str]]
