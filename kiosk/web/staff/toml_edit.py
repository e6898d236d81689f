"""A few settings changed in kiosk.toml as a person would: that line, nothing else; comments and order stay.

An edit is only believed when the file, read as the kiosk reads it, says the new values and otherwise what it said before.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from kiosk.config import ConfigError, Settings, load
from kiosk.counter.opening import HoursError, opening

Values = Mapping[tuple[str, str], str | tuple[str, ...]]
"""By section (empty: the top of the file) and key."""
HEADER = re.compile(r"\s*\[")
KEPT = ".before"


def edited(text: str, values: Values) -> str:
    """Return the text of the file with other values."""
    lines = text.splitlines()
    for (section, key), value in values.items():
        _set(lines, section, f"{key} = {_toml(value)}", key)
    return "\n".join(lines) + "\n"


def _set(lines: list[str], section: str, line: str, key: str) -> None:
    begin = 0
    if section:
        header = re.compile(rf"\s*\[\s*{re.escape(section)}\s*\]")
        found = next((n for n, old in enumerate(lines) if header.match(old)), None)
        if found is None:
            lines.extend(["", f"[{section}]", line])
            return
        begin = found + 1
    end = next((n for n in range(begin, len(lines)) if HEADER.match(lines[n])), len(lines))
    for n in range(begin, end):
        if re.match(rf"\s*{re.escape(key)}\s*=", lines[n]):
            lines[n] = line
            return
    lines.insert(begin, line)


def _toml(value: str | tuple[str, ...]) -> str:
    """Return a value as TOML; its basic strings are escaped as JSON's are."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


def wanted(settings: Settings, values: Values) -> Settings:
    """Return settings with other values."""
    for (section, key), value in values.items():
        if section:
            part = msgspec.structs.replace(getattr(settings, section), **{key: value})
            settings = msgspec.structs.replace(settings, **{section: part})
        else:
            settings = msgspec.structs.replace(settings, **{key: value})
    return settings


def change(path: Path, values: Values) -> None:
    """Write a new file, whole or not at all, and keep the one before; ConfigError in one sentence."""
    before = load(path).value
    fresh = path.with_name(path.name + ".new")
    try:
        text = edited(path.read_text("utf-8-sig"), values)
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, path.stat().st_mode & 0o777)
        with os.fdopen(fd, "w", encoding="utf-8") as f:
            f.write(text)
            f.flush()
            os.fsync(f.fileno())
        _check(fresh, path, wanted(before, values))
        kept = path.with_name(path.name + KEPT)
        kept.unlink(missing_ok=True)
        os.link(path, kept)
        os.replace(fresh, path)
    except OSError as err:
        raise ConfigError(
            f"{path}: cannot be changed ({err.strerror}); change it by hand, or let the kiosk write it."
        ) from err
    finally:
        fresh.unlink(missing_ok=True)


def _check(fresh: Path, path: Path, expected: Settings) -> None:
    try:
        new = load(fresh).value
        opening(new.shop.hours, new.shop.by_day, new.shop.holidays)
    except (ConfigError, HoursError) as err:
        raise ConfigError(str(err).replace(str(fresh), str(path))) from None
    if new != expected:
        raise ConfigError(f"{path}: is written in a way that this page cannot change; change it by hand.")
