"""A few settings changed in kiosk.toml as a person would: that line, nothing else; comments and order stay.

An edit is only believed when the file, read as the kiosk reads it, says the new values and otherwise what it said before.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from kiosk.config import ConfigError, Settings, load
from kiosk.counter.opening import HoursError, opening
from ui.marks import N_
from ui.texts import Texts

Value = str | bool | tuple[str, ...] | None
Values = Mapping[tuple[str, str], Value]
"""By section (empty: the top of the file) and key; None takes a line away."""
HEADER = re.compile(r"\s*\[")
KEPT = ".before"


class EditError(ConfigError):
    """Why a file was left as it is; `sentence` is a msgid."""

    def __init__(self, sentence: str, **args: object) -> None:
        super().__init__(sentence.format(**args))
        self.sentence, self.args_ = sentence, args


def said(err: ConfigError, t: Texts) -> str:
    """Return why a file cannot be changed, in the words of the page as far as there are any."""
    if isinstance(err, EditError):
        return t(err.sentence, **err.args_)
    return t("That cannot be written into kiosk.toml: {why}", why=str(err))


def edited(text: str, values: Values, gone: Sequence[str] = ()) -> str:
    """Return the text of the file with other values, and without the sections in `gone` and those below them."""
    lines = text.splitlines()
    for (section, key), value in values.items():
        _set(lines, section, key, None if value is None else f"{key} = {_toml(value)}")
    for section in gone:
        _take_away(lines, section)
    return "\n".join(lines) + "\n"


def _set(lines: list[str], section: str, key: str, line: str | None) -> None:
    begin = 0
    if section:
        header = re.compile(rf"\s*\[\s*{re.escape(section)}\s*\]")
        found = next((n for n, old in enumerate(lines) if header.match(old)), None)
        if found is None:
            if line is not None:
                lines.extend(["", f"[{section}]", line])
            return
        begin = found + 1
    end = next((n for n in range(begin, len(lines)) if HEADER.match(lines[n])), len(lines))
    for n in range(begin, end):
        if re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", lines[n]):
            lines[n : n + 1] = [] if line is None else [line]
            return
    if line is not None:
        lines.insert(begin, line)


def _take_away(lines: list[str], section: str) -> None:
    """Take a section away with those below it; a comment that stands before the next one belongs to that."""
    mine = re.compile(rf"\s*\[\s*{re.escape(section)}\s*[.\]]")
    while (begin := next((n for n, old in enumerate(lines) if mine.match(old)), None)) is not None:
        end = next((n for n in range(begin + 1, len(lines)) if HEADER.match(lines[n])), len(lines))
        while end < len(lines) and end - 1 > begin and lines[end - 1].lstrip().startswith("#"):
            end -= 1
        del lines[begin:end]


def _toml(value: str | bool | tuple[str, ...]) -> str:
    """Return a value as TOML; its basic strings are escaped as JSON's are."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


def wanted(settings: Settings, values: Values, gone: Sequence[str] = ()) -> Settings:
    """Return settings with other values; msgspec.ValidationError when they cannot be."""
    plain = msgspec.to_builtins(settings)
    for (section, key), value in values.items():
        part = plain
        for name in filter(None, section.split(".")):
            part = part.setdefault(name, {})
        if value is None:
            part.pop(key, None)
        else:
            part[key] = value
    for section in gone:
        above, _, name = section.rpartition(".")
        (plain[above] if above else plain).pop(name, None)
    return msgspec.convert(plain, Settings)


def change(path: Path, values: Values, gone: Sequence[str] = ()) -> None:
    """Write a new file, whole or not at all, and keep the one before; ConfigError in one sentence."""
    before = load(path).value
    fresh = path.with_name(path.name + ".new")
    try:
        text = edited(path.read_text("utf-8-sig"), values, gone)
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, path.stat().st_mode & 0o777)
        with os.fdopen(fd, "w", encoding="utf-8") as f:
            f.write(text)
            f.flush()
            os.fsync(f.fileno())
        _check(fresh, path, before, values, gone)
        kept = path.with_name(path.name + KEPT)
        kept.unlink(missing_ok=True)
        os.link(path, kept)
        os.replace(fresh, path)
    except OSError as err:
        raise EditError(
            N_("{path} cannot be changed ({why}); change it by hand, or let the kiosk write it."),
            path=path,
            why=err.strerror,
        ) from err
    finally:
        fresh.unlink(missing_ok=True)


def _check(fresh: Path, path: Path, before: Settings, values: Values, gone: Sequence[str]) -> None:
    try:
        new = load(fresh).value
        opening(new.shop.hours, new.shop.by_day, new.shop.holidays)
    except (ConfigError, HoursError) as err:
        raise ConfigError(str(err).replace(str(fresh), str(path))) from None
    if new != wanted(before, values, gone):
        raise EditError(
            N_("{path} is written in a way that this page cannot change; change it by hand."), path=path
        )
