"""Type for one job: pinned subsets, their measures, and the characters that cannot be printed."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping
from importlib import import_module
from io import BytesIO
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from posters import fontchain
from posters.errors import RefusedError
from posters.geometry import Outline
from posters.typeset import Measure

if TYPE_CHECKING:
    from posters.outlines import Glyphs


def check_printable(values: Mapping[str, str]) -> None:
    """Refuse the first value with a character that no font of ours can draw: never a box on paper."""
    for name, value in values.items():
        lost = fontchain.missing(value)
        if lost:
            raise RefusedError(
                "glyph",
                name,
                "{field} contains a character that cannot be printed: {char} (U+{number}); write it differently",
                field=name,
                char=lost[0],
                number=f"{ord(lost[0]):04X}",
            )


class Faces:
    """The fonts of one job, registered with reportlab while the job runs; a weight may need several of the chain.

    reportlab keys its registry on the face name and ignores a second registration of a name, so that another job's
    subset would print boxes: each job takes its fonts out again.
    """

    def __init__(self, texts: Mapping[int, str]) -> None:
        ttfonts: Any = import_module("reportlab.pdfbase.ttfonts")
        self._fonts: dict[tuple[int, int], Any] = {}
        self._data: dict[tuple[int, int], bytes] = {}
        self._glyphs: dict[tuple[int, int], Glyphs] = {}
        for weight in sorted(texts):
            for place, characters in _shared(texts[weight] + " "):
                data = fontchain.pinned(place, characters, weight)
                self._data[weight, place] = data
                name = f"KioskSans-{weight}-{hashlib.sha256(data).hexdigest()[:12]}"
                self._fonts[weight, place] = ttfonts.TTFont(
                    name, BytesIO(data), asciiReadable=0, shapable=False
                )

    def __enter__(self) -> Self:
        metrics: Any = import_module("reportlab.pdfbase.pdfmetrics")
        for font in self._fonts.values():
            metrics.registerFont(font)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for font in self._fonts.values():
            font.unregister()

    def name(self, weight: int, char: str = " ") -> str:
        """Return the name under which the font of a character in a weight is registered."""
        return str(self._fonts[weight, _place(char)].fontName)

    def split(self, run: str) -> list[str]:
        """Return a run cut where the font changes."""
        return ["".join(part) for _, part in itertools.groupby(run, _place)]

    def outline(self, weight: int, char: str) -> Outline:
        """Return the outline of a character in em, y up."""
        from posters.outlines import Glyphs

        key = weight, _place(char)
        if key not in self._glyphs:
            self._glyphs[key] = Glyphs(self._data[key])
        return self._glyphs[key].outline(char)

    def measure(self, weight: int) -> Measure:
        """Return the function that measures a character of a weight, in em."""
        widths = {place: font.face.charWidths for (w, place), font in self._fonts.items() if w == weight}

        def advance(char: str) -> float:
            return float(widths[_place(char)][ord(char)]) / 1000

        return advance


def _place(char: str) -> int:
    return fontchain.font_of(char) or fontchain.MAIN


def _shared(text: str) -> list[tuple[int, str]]:
    """Return each font of the chain that a text needs with its characters."""
    needed: dict[int, set[str]] = {}
    for char in set(text):
        needed.setdefault(_place(char), set()).add(char)
    return [(place, "".join(sorted(needed[place]))) for place in sorted(needed)]
