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
    """Return the sentence in the locale `where`, its arguments filled in."""
    if where == "en":
        return sentence.format(**args)
    from ui.texts import texts

    return texts("posters", DOMAIN, where).gettext(sentence, **args)
