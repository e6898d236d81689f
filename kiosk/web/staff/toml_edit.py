"""A few settings changed in kiosk.toml as a person would: that line, nothing else; comments and order stay.

An edit is only believed when the file, read as the kiosk reads it, says the new values and otherwise what it said before.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from kiosk.config import ConfigError, Settings, load
from kiosk.counter.opening import HoursError, opening
from kiosk.web.staff.toml_lines import parts
from ui.marks import N_
from ui.texts import Texts

Value = str | bool | tuple[str, ...] | None
Values = Mapping[tuple[str, str], Value]
"""By section (empty: the top of the file) and key; None takes a line away."""
KEPT = ".before"
BROKEN = N_(
    "{path} has a mistake, so nothing is written into it; correct it first (`kiosk doctor` says where)."
)
UNFIT = N_("That does not fit into {path}; nothing was changed.")
OTHERWISE = N_("{path} is written in a way that this page cannot change; change it in the file.")


class EditError(ConfigError):
    """Why a file was left as it is; `sentence` is a msgid, `cause` the reader's own words, for programs."""

    def __init__(self, sentence: str, *, cause: str = "", **args: object) -> None:
        super().__init__(f"{sentence.format(**args)} {cause}".rstrip())
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
        _set(lines, tuple(filter(None, section.split("."))), key, value)
    for section in gone:
        _take_away(lines, tuple(section.split(".")))
    return "\n".join(lines) + "\n"


def _set(lines: list[str], section: tuple[str, ...], key: str, value: Value) -> None:
    found = parts(lines)
    line = [] if value is None else [f"{key} = {_toml(value)}"]
    for part in found:
        if not part.header and part.path == (*section, key):
            if line:  # its name stays as it is written: quoted, or with the section's before it
                line = [f"{part.name} = {line[0].partition(' = ')[2]}"]
            lines[part.begin : part.end] = line
            return
    header = next((part for part in found if part.header and part.path == section), None)
    if not section:
        lines[0:0] = line
    elif header is not None:
        lines[header.end : header.end] = line
    elif line:
        lines.extend(["", f"[{'.'.join(section)}]", *line])


def _take_away(lines: list[str], section: tuple[str, ...]) -> None:
    """Take a section away with those below it; a comment that stands before the next one belongs to that."""
    found = parts(lines)
    headers = [part for part in found if part.header]
    ends = [*(part.begin for part in headers[1:]), len(lines)]
    for part, end in reversed(list(zip(headers, ends, strict=True))):
        if part.path[: len(section)] != section:
            continue
        last = end
        while last < len(lines) and last - 1 > part.begin and lines[last - 1].lstrip().startswith("#"):
            last -= 1
        del lines[part.begin : last]


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
    try:
        before = load(path).value
    except ConfigError as err:
        raise EditError(BROKEN, path=path, cause=str(err)) from None
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
        tomllib.loads(fresh.read_text("utf-8"))
    except tomllib.TOMLDecodeError:
        raise EditError(OTHERWISE, path=path) from None
    try:
        new = load(fresh).value
        opening(new.shop.hours, new.shop.by_day, new.shop.holidays)
    except (ConfigError, HoursError) as err:
        raise EditError(UNFIT, path=path, cause=str(err).replace(str(fresh), str(path))) from None
    if new != wanted(before, values, gone):
        raise EditError(OTHERWISE, path=path)
