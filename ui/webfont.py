"""The packaged font for pages: each page gets a subset of what it shows, at an address that never changes its content.

The server only makes subsets of texts that it has rendered itself: a text is registered under its digest, and an address
with an unknown digest is a 404, so nobody can make it draw fonts without bound.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict

from ui.fonts import FAMILY, pinned

KEEP = 256
"""Registered texts; a page's text is some 300 characters, so the shelf stays below 1 MiB."""


class Shelf:
    """The texts whose subsets may be fetched, the least recently used given up first."""

    def __init__(self, keep: int = KEEP) -> None:
        self._keep = keep
        self._texts: OrderedDict[str, str] = OrderedDict()

    def register(self, text: str) -> str:
        """Return the digest under which the characters of `text` can be fetched."""
        chars = "".join(sorted({c for c in text if c.isprintable()} | {" "}))
        digest = hashlib.sha256(chars.encode()).hexdigest()[:20]
        self._texts[digest] = chars
        self._texts.move_to_end(digest)
        while len(self._texts) > self._keep:
            self._texts.popitem(last=False)
        return digest

    def css(self, digest: str, weights: tuple[int, ...]) -> str | None:
        """Return the @font-face rules of a registered text, or None."""
        if digest not in self._texts:
            return None
        return "".join(
            f'@font-face{{font-family:"{FAMILY}";font-weight:{w};font-style:normal;font-display:block;'
            f'src:url("/ui/font/{w}-{digest}.ttf") format("truetype")}}\n'
            for w in weights
        )

    def font(self, digest: str, weight: int) -> bytes | None:
        """Return the font file of a registered text in one weight, or None."""
        chars = self._texts.get(digest)
        return None if chars is None else pinned(chars, weight)
