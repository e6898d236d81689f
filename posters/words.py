"""The sentences that people read, in the language they asked for."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence

DOMAIN = "posters"


def locale() -> str:
    """Return the locale of this process's environment: zh_CN or en."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name)
        if value:
            return "zh_CN" if value.lower().startswith("zh") else "en"
    return "en"


def say(sentence: str, where: str, **args: object) -> str:
    """Return the sentence in the locale `where`, its arguments filled in; fields go by their titles, reasons in kind."""
    if where == "en":
        return sentence.format(**args)
    from posters.merge import FIELDS
    from ui.texts import texts

    catalog = texts("posters", DOMAIN, where)
    if "field" in args:
        names = str(args["field"]).split("/")
        args["field"] = "、".join(FIELDS[n].title.zh if n in FIELDS else n for n in names)
    if args.get("why"):
        args["why"] = catalog.gettext(str(args["why"]))
    return catalog.gettext(sentence, **args)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a line a row, its columns as wide as their widest cell; a Chinese character takes two places."""
    widths = [max(_places(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell + " " * (width - _places(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def _places(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
