"""Texts through gettext: the msgid is the English sentence, zh-CN comes from the package's catalog."""

from __future__ import annotations

import gettext as _gettext
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

Locale = Literal["zh_CN", "en"]
LOCALES: tuple[str, ...] = ("zh_CN", "en")


class Texts:
    """The texts of one package in one language."""

    def __init__(self, locale: str, catalog: _gettext.NullTranslations) -> None:
        self.locale = locale
        self._catalog = catalog

    def gettext(self, msgid: str, **fmt: object) -> str:
        """Return a sentence, its `{places}` filled in."""
        told = self._catalog.gettext(msgid)
        return told.format(**fmt) if fmt else told

    __call__ = gettext


def catalog_dir(package: str) -> Path:
    """Return the directory of a package's catalogs."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise LookupError(f"there is no package {package}")
    return Path(next(iter(spec.submodule_search_locations))) / "locale"


@lru_cache(maxsize=32)
def texts(package: str, domain: str, locale: str) -> Texts:
    """Return the texts of a domain; a language that is not there is zh_CN."""
    wanted = locale if locale in LOCALES else "zh_CN"
    if wanted == "en":
        return Texts(wanted, _gettext.NullTranslations())
    return Texts(wanted, _gettext.translation(domain, str(catalog_dir(package)), [wanted]))


@lru_cache(maxsize=32)
def everything(package: str, domain: str, locale: str) -> str:
    """Return all texts of a domain in one string: what a font must hold for a page whose texts come later."""
    catalog = texts(package, domain, locale)._catalog
    known: dict[object, str] = getattr(catalog, "_catalog", {})  # gettext has no public way to list a catalog
    return "".join(told for key, told in known.items() if key) + "".join(map(chr, range(32, 127)))


def negotiate(accept_language: str | None, default: str = "zh_CN") -> str:
    """Return the language that a browser likes best among ours (RFC 9110, 12.5.4)."""
    best, weight = default, 0.0
    for part in (accept_language or "").split(","):
        tag, _, rest = part.strip().partition(";")
        try:
            q = float(rest.split("=")[1]) if "=" in rest else 1.0
        except ValueError:
            continue
        ours = {"zh": "zh_CN", "en": "en"}.get(tag.strip().lower().split("-")[0])
        if ours and q > weight:
            best, weight = ours, q
    return best
