"""Template + values -> drawing operations in mm, y down from the top of the trim. Pure: no file, no clock."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from posters import arcs
from posters import geometry as geo
from posters import schema as s
from posters.catalog import Chosen
from posters.errors import RefusedError
from posters.merge import FIELDS, fill, places
from posters.ops import Cmyk, Code, Draft, Image, Op, Page, Shape, Words
from posters.result import Finding, Shrunk
from posters.symbol import FLOOR_MM, LOGO_MARGIN, QUIET_MODULES, TILT_VERSION, Symbol, hole_modules
from posters.terms import says_terms
from posters.typeset import SOFT, Line, Measure, fit
from posters.units import PT_PER_MM

ASCENT = 0.88  # em from the top of the Chinese square to the baseline


Values = Mapping[str, str]


def values_for(chosen: Chosen, merged: Values) -> list[dict[str, str]]:
    """Return, for each face, every place a template may name: fields first, then words with fields filled in."""
    return [_values(chosen, merged, lang) for lang in chosen.langs]


def _values(chosen: Chosen, merged: Values, lang: s.Lang) -> dict[str, str]:
    values = {**merged, "revision": merged["revision"] or str(chosen.template.revision)}
    words = chosen.words_in(lang)
    for name, text in words.items():
        if not values.get(name) or says_terms(text):
            values[name] = fill(text, {**words, **values})
    # 一 alone in a badge reads as a minus sign.
    values["initial"] = next(
        (c for c in merged["merchant"] if c.isalnum() and c != "一"), merged["merchant"][0]
    )
    return values


def texts_by_weight(chosen: Chosen, faces: Sequence[Values]) -> dict[int, str]:
    """Return all characters that each weight must hold."""
    texts: dict[int, str] = {}
    for items, values in zip(chosen.faces, faces, strict=True):
        for item in items:
            if isinstance(item, (s.Text, s.Arc)) and shown(item, values):
                texts[item.weight] = texts.get(item.weight, "") + re.sub(
                    f"[\n{SOFT}]", "", fill(item.value, values)
                )
    return texts


def shown(item: s.Item, values: Values) -> bool:
    """Say whether the item's conditions hold."""
    return not (item.when and not values.get(item.when)) and not (item.unless and values.get(item.unless))


def draft(
    chosen: Chosen,
    faces: Sequence[Values],
    symbol: Symbol,
    measure: Callable[[int], Measure],
    drawings: s.Drawings,
    code_limit: float = float("inf"),
) -> Draft:
    """Lay out every face; no code is larger than `code_limit` mm, its quiet zone included."""
    desk = _Desk(chosen, symbol, measure, drawings, code_limit)
    pages = []
    for items, values, lang in zip(chosen.faces, faces, chosen.langs, strict=True):
        desk.turn_to(values, lang)
        pages.append(Page([op for item in items if shown(item, values) for op in desk.ops(item)]))
    return Draft(
        pages, list({(f.code, f.where): f for f in desk.findings}.values()), list(dict.fromkeys(desk.shrunk))
    )


class _Desk:
    """Turns one item at a time into operations."""

    def __init__(
        self,
        chosen: Chosen,
        symbol: Symbol,
        measure: Callable[[int], Measure],
        drawings: s.Drawings,
        code_limit: float,
    ) -> None:
        self.code_limit = code_limit
        self.chosen, self.symbol = chosen, symbol
        self.values: Values = {}
        self.words: Values = {}
        self.measure, self.drawings = measure, drawings
        self.findings: list[Finding] = []
        self.shrunk: list[Shrunk] = []

    def turn_to(self, values: Values, lang: s.Lang) -> None:
        """Begin a face."""
        self.values, self.words = values, self.chosen.words_in(lang)

    def color(self, name: str) -> Cmyk | None:
        """Return a colour of the look by name."""
        if not name:
            return None
        c, m, y, k = {"black": (0, 0, 0, 100), "white": (0, 0, 0, 0), **self.chosen.look.colors}[name]
        return (c / 100, m / 100, y / 100, k / 100)

    def ops(self, item: s.AnyItem) -> list[Op]:
        """Return the operations of one item."""
        if isinstance(item, s.Text):
            return list(self._text(item))
        if isinstance(item, s.Arc):
            return list(self._arc(item))
        if isinstance(item, s.Qr):
            return self._code(item)
        if isinstance(item, s.Drawing):
            return list(self._drawing(item))
        if isinstance(item, s.Picture):
            return [Image(item.field, item.box, item.fit, item.radius)]
        if isinstance(item, s.Ticket):
            return list(self._ticket(item))
        return [self._shape(item)]

    def _shape(self, item: s.Rect | s.Circle | s.Path | s.Rays) -> Shape:
        if isinstance(item, s.Rays):
            outline = geo.rays(*item.center, item.inner, item.outer, item.count, item.begin)
            return Shape(outline, self.color(item.fill))
        dash = None
        if isinstance(item, s.Circle):
            outline = geo.circle(*item.center, item.r)
        elif isinstance(item, s.Rect):
            x, y, w, h = item.box
            outline = geo.rectangle(x, y, w, h, item.radius)
            dash = item.dash
            if item.rotate:
                outline = geo.transformed(outline, geo.turned(item.rotate, x + w / 2, y + h / 2))
        else:
            outline, dash = self._path(item), item.dash
        return Shape(outline, self.color(item.fill), self.color(item.stroke), item.width, dash)

    def _path(self, item: s.Path) -> geo.Outline:
        outline = geo.transformed(geo.parse(item.d), geo.Affine(item.scale, 0, 0, item.scale, *item.at))
        return geo.transformed(outline, geo.turned(item.rotate, *item.at)) if item.rotate else outline

    def _ticket(self, item: s.Ticket) -> list[Shape]:
        x, y, w, h = item.box
        turn = geo.turned(item.rotate, x + w / 2, y + h / 2)
        body = geo.ticket(x, y, w, h, item.radius, item.notch, item.split)
        shapes = [Shape(geo.transformed(body, turn), self.color(item.fill))]
        if item.line:
            middle, inset = x + w * item.split, item.notch + 0.6
            cut: geo.Outline = (("M", (middle, y + inset)), ("L", (middle, y + h - inset)))
            shapes.append(Shape(geo.transformed(cut, turn), None, self.color(item.line), 0.3, (0.9, 0.9)))
        return shapes

    def _drawing(self, item: s.Drawing) -> list[Shape]:
        name = self._trade() if item.name == "{trade}" else item.name
        x, y, w, h = item.box
        scale = min(w, h) / 100
        place = geo.Affine(scale, 0, 0, scale, x + (w - 100 * scale) / 2, y + (h - 100 * scale) / 2)
        turn = geo.turned(item.rotate, x + w / 2, y + h / 2)
        roles = {"line": item.line, "fill": item.fill, "tint": item.tint}
        shapes = []
        for stroke in self.drawings.art[name].paths:
            outline = geo.transformed(geo.transformed(geo.parse(stroke.d), place), turn)
            color = self.color(roles[stroke.role])
            if color is None:
                continue
            lined = stroke.role == "line"
            shapes.append(Shape(outline, None if lined else color, color if lined else None, item.width))
        return shapes

    def _trade(self) -> str:
        """Return the drawing for the store's category, a shop front when none fits."""
        category = self.values["category"].lower()
        for name, words in self.drawings.trades.items():
            if any(word in category for word in words):
                return name
        return "shop"

    def _code(self, item: s.Qr) -> list[Op]:
        side = min(item.side, self.code_limit)
        module = side / (self.symbol.modules + 2 * QUIET_MODULES)
        if module < FLOOR_MM:
            raise RefusedError(
                "module",
                "url",
                "url has {bytes} bytes: its code would have modules of {mm} mm, below {floor} mm: shorten the path",
                bytes=len(self.symbol.payload),
                mm=f"{module:.2f}",
                floor=f"{FLOOR_MM:.2f}",
            )
        if self.symbol.version > TILT_VERSION:
            raise RefusedError(
                "density",
                "url",
                "url has {bytes} bytes: its code is version {version}, and none above {most} is read at an angle: shorten the path",
                bytes=len(self.symbol.payload),
                version=self.symbol.version,
                most=TILT_VERSION,
            )
        if side < item.side:
            sentence = "the code is {used} mm instead of {wanted} mm wide, so that no seam runs through it"
            args = {"used": f"{side:.0f}", "wanted": f"{item.side:.0f}"}
            self.findings.append(Finding.of("note", "seam", "url", sentence, **args))
        x, y = (v + (item.side - side) / 2 + QUIET_MODULES * module for v in item.at)
        if not self.values["code_logo"]:
            return [Code(x, y, self.symbol.modules * module, self.symbol)]
        hole = hole_modules(self.symbol)
        inset = ((self.symbol.modules - hole) / 2 + LOGO_MARGIN) * module
        inside = (hole - 2 * LOGO_MARGIN) * module
        return [
            Code(x, y, self.symbol.modules * module, self.symbol, hole),
            Image("code_logo", (x + inset, y + inset, inside, inside), "contain"),
        ]

    def _text(self, item: s.Text) -> list[Words]:
        text = fill(item.value, self.values)
        if not text:
            return []
        _, _, w, h = item.box
        least = item.min or item.size
        fitted = fit(
            text,
            w * PT_PER_MM,
            h * PT_PER_MM,
            self.measure(item.weight),
            size=item.size,
            least=least,
            lines=item.lines,
            mode=item.fit,
            leading=item.leading,
            gap=item.gap,
            tracking=item.tracking,
        )
        where = "/".join(sorted(places(item.value))) or item.value
        if fitted is None:
            raise _no_room(where, least, item.lines, text)
        self._note_shrunk(item, where, fitted.size)
        return self._placed(item, fitted.lines, fitted.size)

    def _arc(self, item: s.Arc) -> list[Words]:
        text = fill(item.value, self.values)
        if not text:
            return []
        measure = self.measure(item.weight)
        found = arcs.fitted(text, item, measure)
        where = "/".join(sorted(places(item.value))) or item.value
        if found is None:
            raise _no_room(where, item.min or item.size, 1, text)
        self._note_shrunk(item, where, found[1])
        return arcs.words(*found, item, measure, self.color(item.color) or (0, 0, 0, 1))

    def _note_shrunk(self, item: s.Text | s.Arc, where: str, size: float) -> None:
        """Record type that was set smaller than the template wanted."""
        if size < item.size and getattr(item, "fit", "") != "fill":
            self.shrunk.append(Shrunk(where, item.size, round(size, 1)))
        given = any(name in FIELDS and self.values[name] for name in places(item.value))
        words = self.words
        own = all(fill(f"{{{name}}}", self.values) == words.get(name) for name in places(item.value))
        if given and not own and getattr(item, "fit", "") != "fill" and size < item.size * 0.75:
            self.findings.append(
                Finding.of(
                    "note",
                    "shrunk",
                    where,
                    "{field} is long: set at {used} pt instead of {wanted} pt",
                    field=where,
                    used=f"{size:.1f}",
                    wanted=f"{item.size:.1f}",
                )
            )

    def _placed(self, item: s.Text, lines: tuple[Line, ...], size: float) -> list[Words]:
        x, y, w, h = item.box
        em = size / PT_PER_MM
        block = em * (1 + (len(lines) - 1) * item.leading)
        top = y + {"top": 0.0, "middle": (h - block) / 2, "bottom": h - block}[item.valign]
        share = {"left": 0.0, "center": 0.5, "right": 1.0}[item.align]
        color, accent = self.color(item.color) or (0, 0, 0, 1), self.color(item.digits)
        return [
            Words(
                x + share * (w - line.width * em),
                top + em * (ASCENT + n * item.leading),
                size,
                item.weight,
                color,
                line,
                accent,
                item.tracking,
            )
            for n, line in enumerate(lines)
        ]


def _no_room(where: str, size: float, lines: int, text: str) -> RefusedError:
    return RefusedError(
        "fit",
        where,
        "{field} does not fit its place even at {size} pt in {lines} lines: shorten {text}",
        field=where,
        size=size,
        lines=lines,
        text=text,
    )
