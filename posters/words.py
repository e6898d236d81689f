"""The sentences that people read, in the language they asked for."""

from __future__ import annotations

import os

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
