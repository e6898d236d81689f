"""Pages: Jinja2 with our texts, components, icons and font."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from html import unescape
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from ui import codes, money
from ui.texts import LOCALES, Texts, texts
from ui.webfont import Shelf

HERE = Path(__file__).parent
_FONT = "@@font@@"
WEIGHTS = (400, 700, 900)


@lru_cache(maxsize=64)
def icon(name: str) -> Markup:
    """Return one of our icons as inline SVG."""
    return Markup((HERE / "icons" / f"{name}.svg").read_text("utf-8").strip())  # noqa: S704  (our own file)


def _qr(data: str, label: str = "", level: codes.Level = "M") -> Markup:
    return Markup(codes.qr_svg(data, level, label))  # noqa: S704  (drawn by us, its label escaped)


def _barcode(text: str, label: str = "") -> Markup:
    return Markup(codes.code128_svg(text, label))  # noqa: S704  (drawn by us, its label escaped)


class Pages:
    """The templates of one program."""

    def __init__(self, package: str, directory: Path, shelf: Shelf) -> None:
        self._package = package
        self._shelf = shelf
        loader = jinja2.FileSystemLoader([directory, HERE / "templates"])
        self._environments = {locale: self._environment(loader, locale) for locale in LOCALES}

    def _environment(self, loader: jinja2.BaseLoader, locale: str) -> jinja2.Environment:
        env = jinja2.Environment(
            loader=loader,
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        # In plain letters, so that the font covers what scripts will show.
        env.policies["json.dumps_kwargs"] = {"ensure_ascii": False}
        env.globals.update(
            _=_Both(texts(self._package, self._package, locale), texts("ui", "ui", locale)),
            locale=locale,
            lang="zh-CN" if locale == "zh_CN" else "en",
            icon=icon,
            font_css=_FONT,
            qr=_qr,
            barcode=_barcode,
        )
        env.filters.update(
            yuan=money.yuan,
            day=lambda at: money.day(at, locale),
            moment=lambda at: money.moment(at, locale),
        )
        return env

    def render(
        self, name: str, locale: str, weights: tuple[int, ...] = WEIGHTS, font: str = "", **context: Any
    ) -> str:
        """Return a page; the link to its font covers exactly what it shows, or is `font` where more will be shown."""
        env = self._environments.get(locale, self._environments["zh_CN"])
        html = env.get_template(name).render(context)
        return html.replace(_FONT, font or self.font_css(_visible(html), weights))

    def font_css(self, text: str, weights: tuple[int, ...] = WEIGHTS) -> str:
        """Return the address of the style sheet of a text's font."""
        return f"/ui/font/{self._shelf.register(text)}.css?w={'-'.join(map(str, weights))}"


class _Both:
    """Look a text up in the program's catalog, then in the shared one."""

    def __init__(self, own: Texts, shared: Texts) -> None:
        self._own, self._shared = own, shared

    def __call__(self, msgid: str, **fmt: object) -> str:
        told = self._own(msgid)
        told = self._shared(msgid) if told == msgid else told
        return told.format(**fmt) if fmt else told


def _visible(html: str) -> str:
    """Return a page's text without its tags, with the texts of attributes that people see."""
    shown = re.findall(r'(?:placeholder|title|aria-label|value)="([^"]*)"', html)
    return unescape(re.sub(r"<[^>]*>", " ", html) + "".join(shown))


def stamp(at: datetime) -> str:
    """Return a time as RFC 3339 with the shop's offset."""
    return money.local(at).isoformat(timespec="seconds")
