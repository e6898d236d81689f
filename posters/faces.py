"""Type for one job: pinned subsets, their measures, and the characters that cannot be printed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib import import_module
from io import BytesIO
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from posters.errors import RefusedError
from posters.typeset import Measure

if TYPE_CHECKING:
    from posters.outlines import Glyphs


def check_printable(values: Mapping[str, str]) -> None:
    """Refuse the first value with a character that no font of ours can draw: never a box on paper."""
    from ui.fonts import missing

    for name, value in values.items():
        lost = missing(value)
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
    """The fonts of one job, registered with reportlab while the job runs.

    reportlab keys its registry on the face name and ignores a second registration of a name, so that another job's
    subset would print boxes: each job takes its fonts out again.
    """

    def __init__(self, texts: Mapping[int, str]) -> None:
        from ui.fonts import pinned

        ttfonts: Any = import_module("reportlab.pdfbase.ttfonts")
        self._fonts: dict[int, Any] = {}
        self._data: dict[int, bytes] = {}
        self._glyphs: dict[int, Glyphs] = {}
        for weight in sorted(texts):
            characters = "".join(sorted(set(texts[weight]) | {" "}))
            data = pinned(characters, weight)
            self._data[weight] = data
            name = f"KioskSans-{weight}-{hashlib.sha256(data).hexdigest()[:12]}"
            self._fonts[weight] = ttfonts.TTFont(name, BytesIO(data), asciiReadable=0, shapable=False)

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

    def name(self, weight: int) -> str:
        """Return the name under which a weight is registered."""
        return str(self._fonts[weight].fontName)

    def glyphs(self, weight: int) -> Glyphs:
        """Return the outlines of a weight."""
        from posters.outlines import Glyphs

        if weight not in self._glyphs:
            self._glyphs[weight] = Glyphs(self._data[weight])
        return self._glyphs[weight]

    def measure(self, weight: int) -> Measure:
        """Return the function that measures a character of a weight, in em."""
        widths: dict[int, float] = self._fonts[weight].face.charWidths

        def advance(char: str) -> float:
            return widths[ord(char)] / 1000

        return advance
