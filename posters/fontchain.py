"""Which font draws a character: the shop's own or the packaged one first, then its sisters for rarer characters.

The package that carries Noto Sans SC carries its Japanese, traditional Chinese and Korean sisters, of the same hand and
weights; they know some characters that SC does not, such as U+20BB7 in the name of a well-known restaurant. What none of
them draws is refused.
"""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ui import fonts

MAIN = 0
# Checked once a process, when a sister is first needed (justmytype-intl-cjk 0.1.0).
SISTERS = {
    "notosanssc/NotoSansSC[wght].ttf": fonts.FONT_SHA256,
    "notosansjp/NotoSansJP[wght].ttf": "c2f3b4d463500a2ddcd3849cded1fceeb9fd6d1c32e6cbecd568453ba50fc68f",
    "notosanstc/NotoSansTC[wght].ttf": "864727d210d54f2537bbe23b3a839436c3992af72de9322af5270897246bd44f",
    "notosanskr/NotoSansKR[wght].ttf": "194018e6b2b293a7964f037b25c0249ce1418bc9ab3c971060a03aa57861e252",
}


def missing(text: str) -> list[str]:
    """Return the characters that no font of the chain draws, each once, in order."""
    return [char for char in fonts.missing(text) if font_of(char) is None]


@lru_cache(maxsize=4096)
def font_of(char: str) -> int | None:
    """Return the place in the chain of the first font that draws a character."""
    if not fonts.missing(char):
        return MAIN
    return next((n for n, (_, known) in enumerate(_sisters(), 1) if ord(char) in known), None)


def pinned(place: int, text: str, weight: int) -> bytes:
    """Return a static TTF of one weight with the characters of `text`, from the font at a place in the chain."""
    if place == MAIN:
        return fonts.pinned(text, weight)
    return _pinned(place, "".join(sorted(set(text))), weight)


@lru_cache(maxsize=32)
def _pinned(place: int, chars: str, weight: int) -> bytes:
    import uharfbuzz as hb

    face, _ = _sisters()[place - 1]
    wanted = hb.SubsetInput()
    wanted.unicode_set.update({ord(c) for c in chars})
    wanted.pin_axis_location(face, "wght", float(weight))
    cut = bytes(hb.subset(face, wanted).blob.data)
    digest = hashlib.sha256(f"{place}{chars}".encode()).hexdigest()[:10]
    return fonts.renamed(cut, f"KioskSans{place}-{weight}-{digest}")


@lru_cache(maxsize=1)
def _sisters() -> list[tuple[Any, frozenset[int]]]:
    """Return the fonts behind the first, each with what it draws; the packaged SC too when another font comes first."""
    import uharfbuzz as hb

    found = []
    for path in _paths():
        face = hb.Face(hb.Blob.from_file_path(str(path)))
        found.append((face, frozenset(face.unicodes)))
    return found


def _paths() -> list[Path]:
    spec = find_spec("justmytype_intl_cjk")
    if spec is None or not spec.submodule_search_locations:
        return []
    root = Path(next(iter(spec.submodule_search_locations))) / "fonts" / "ofl"
    names = [name for name in SISTERS if os.environ.get("KIOSK_FONT") or not name.startswith("notosanssc")]
    found = [(root / name, SISTERS[name]) for name in names if (root / name).is_file()]
    for path, wanted in found:
        if hashlib.sha256(path.read_bytes()).hexdigest() != wanted:
            raise fonts.FontError(
                f"{path.name} is not the font that was tested; reinstall justmytype-intl-cjk==0.1.0."
            )
    return [path for path, _ in found]
