"""Template + output -> the page that each face is drawn on and the sheets it is put on. Pure."""

from __future__ import annotations

from msgspec import Struct

from posters import imposition, tiles
from posters.catalog import Chosen
from posters.finish import Boxes
from posters.imposition import Art, Plan
from posters.ops import ALL, Code, Draft
from posters.profiles import Output
from posters.render import Sheet
from posters.schema import Box
from posters.symbol import QUIET_MODULES
from posters.units import SLUG_MM
from posters.words import say

OFFICE_PAPER = imposition.SHEETS["a4"]


class Route(Struct, frozen=True):
    """Where the faces go: the page they are drawn on, then the plans that follow one another."""

    sheet: Sheet
    plans: tuple[Plan, ...] = ()

    def boxes(self, faces: int) -> list[Boxes]:
        """Return the boxes of every page of the file."""
        if not self.plans:
            s = self.sheet
            return [Boxes(s.media, (s.margin, s.margin, s.width, s.height), s.bleed)] * faces
        return [
            Boxes((leaf.width, leaf.height), leaf.trim or (0, 0, leaf.width, leaf.height), leaf.bleed)
            for leaf in self.plans[-1].leaves
        ]

    def codes(self, faces: int) -> list[int]:
        """Return how many codes each page shows."""
        return [leaf.codes for leaf in self.plans[-1].leaves] if self.plans else [1] * faces

    def sketches(self) -> list[int]:
        """Return the numbers of the pages that only show people what to do."""
        leaves = self.plans[-1].leaves if self.plans else []
        return [number for number, leaf in enumerate(leaves, 1) if leaf.sketch]

    def told_codes(self) -> str:
        """Return what the file says of its pages: the codes on each, s for a sketch; nothing for single faces."""
        leaves = self.plans[-1].leaves if self.plans else []
        return " ".join("s" if leaf.sketch else str(leaf.codes) for leaf in leaves)

    def flip(self, faces: int) -> str:
        """Return the edge to turn on, empty for one side."""
        if self.plans:
            return self.plans[-1].flip
        return "long" if faces == 2 else ""


def art_of(chosen: Chosen) -> Art:
    """Return the piece of a template."""
    t = chosen.template
    return Art(*t.size, t.bleed, len(chosen.faces), round=t.shape == "round")


def code_limit(output: Output) -> float:
    """Return the largest code, quiet zone included, that the sheets can hold."""
    return tiles.largest_code(output.tile) if output.tile else float("inf")


def route(chosen: Chosen, output: Output, draft: Draft, count: int = 1) -> Route:
    """Return the way of a draft to its sheets; `count` pieces share them in a batch."""
    art = art_of(chosen)
    bare = Sheet(art.width, art.height, art.bleed, round=art.round)
    if output.profile in ("screen", "wideformat"):
        kept = art.bleed if output.profile == "wideformat" else 0.0
        return Route(Sheet(art.width, art.height, kept, round=art.round))
    if output.tile:
        return Route(bare, (tiles.plan(art, code_box(draft), output.tile, _tile_notes(chosen, output)),))
    if chosen.template.tent is not None:
        folded, flat = imposition.tent(art, chosen.template.tent)
        return Route(bare, (folded, _sheets(chosen, output, flat, count)))
    if output.sheet:
        return Route(bare, (_sheets(chosen, output, art, count),))
    return Route(_single(art, output))


def _single(art: Art, output: Output) -> Sheet:
    """Return the page of one face: press has bleed and marks; an office printer where its paper leaves room."""
    over = tuple(imposition.marks(art, [(0, 0, art.width, art.height)], ALL))
    marked = Sheet(art.width, art.height, art.bleed, SLUG_MM, art.round, over)
    room = all(side <= paper for side, paper in zip(marked.media, OFFICE_PAPER, strict=True))
    if output.pdfx or room:
        return marked
    return Sheet(art.width, art.height, 0.0, round=art.round, over=over if art.round else ())


def _sheets(chosen: Chosen, output: Output, art: Art, count: int) -> Plan:
    notes = _notes(chosen, output, art)
    if output.sheet:
        return imposition.n_up(
            art, output.sheet, count=count, flip=output.flip, offset=output.offset, notes=notes
        )
    margin = 2 * (art.bleed + SLUG_MM)
    own = (art.width + margin, art.height + margin)
    fits = all(
        side + 2 * imposition.MARGIN <= paper
        for side, paper in zip((art.width, art.height), OFFICE_PAPER, strict=True)
    )
    if output.profile == "office" and fits:
        return imposition.centred(art, OFFICE_PAPER, notes)
    return imposition.centred(art, own)


def _notes(chosen: Chosen, output: Output, art: Art) -> tuple[str, ...]:
    """Return what the person at the printer must do, in the language of the piece."""
    locale = "zh_CN" if chosen.lang == "zh-CN" else "en"
    size = say("actual size, no scaling; this line is 50 mm", locale)
    if art.faces == 1:
        return (size,)
    if output.flip == "long":
        return say("print both sides, turn on the long edge", locale), size
    return say("print both sides, turn on the short edge", locale), size


def _tile_notes(chosen: Chosen, output: Output) -> tuple[str, ...]:
    locale = "zh_CN" if chosen.lang == "zh-CN" else "en"
    title = chosen.template.title.zh if locale == "zh_CN" else chosen.template.title.en
    sentence = "cut off the white margin on the left and above, paste each sheet over its neighbours up to their marks"
    return (
        say("map of the sheets", locale) + f" · {title}",
        say("print all sheets at actual size, no scaling", locale),
        say(sentence, locale),
    )


def code_box(draft: Draft) -> Box:
    """Return the square of the first code, its quiet zone included."""
    code = next(op for op in draft.pages[0].ops if isinstance(op, Code))
    quiet = QUIET_MODULES * code.side / code.symbol.modules
    return code.x - quiet, code.y - quiet, code.side + 2 * quiet, code.side + 2 * quiet
