"""Typed TOML: read a file into a msgspec struct, with errors and warnings that a shop can act on."""

from __future__ import annotations

import difflib
import logging
import os
import re
import tomllib
import types
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Generic, TypeVar, get_args, get_origin

import msgspec

log = logging.getLogger(__name__)
T = TypeVar("T")


class ConfigError(Exception):
    """One sentence: file, key, value, what would be right."""


class Loaded(msgspec.Struct, Generic[T], frozen=True):
    """Settings and what was odd about their file."""

    value: T
    warnings: tuple[str, ...]
    fallback: bool = False
    """The file was bad and an older copy is in use."""


def load_toml(path: Path, kind: type[T]) -> Loaded[T]:
    """Read `path` as `kind`."""
    raw = _read(path)
    warnings = tuple(f"{path}: {w}" for w in _unknown(raw, kind, ""))
    try:
        return Loaded(msgspec.convert(raw, kind), warnings)
    except msgspec.ValidationError as err:
        raise ConfigError(f"{path}: {_sentence(str(err), raw, kind)}") from None


def fallback(kind: type[T], why: str, places: Iterable[Path]) -> Loaded[T] | None:
    """Return the last configuration that worked, with a warning that says why; None when none was kept at these places."""
    for kept in places:
        try:
            good = load_toml(kept, kind)
        except ConfigError:
            continue  # none was kept there, or it is of no use either: what counts is what is wrong with the file itself
        told = f"{why} Until then the last configuration that worked is used: {kept}."
        return Loaded(good.value, (told, *good.warnings), fallback=True)
    return None


def keep(path: Path, kept: Path) -> None:
    """Keep a private copy of a file that a program has just started with; only written when it differs.

    A disk without room does not stop a program that runs: the copy before stays, and the log says so.
    """
    try:
        raw = path.read_bytes()
        if not kept.is_file() or kept.read_bytes() != raw:
            _replace(kept, raw)
    except OSError as err:
        log.warning("%s: the configuration that works could not be kept (%s)", kept, err.strerror)


def _replace(path: Path, raw: bytes) -> None:
    """Write a private file, whole or not at all."""
    fresh = path.with_suffix(".new")
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "wb") as f:
        f.write(raw)
        f.flush()
        os.fsync(f.fileno())
    os.replace(fresh, path)


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file; create it or name another with -c.") from None
    except UnicodeDecodeError as err:
        raise ConfigError(f"{path}: not UTF-8 at byte {err.start}; save the file as UTF-8.") from None
    except OSError as err:
        raise ConfigError(
            f"{path}: cannot be read ({err.strerror}); check the path and its permissions."
        ) from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as err:
        raise ConfigError(f"{path}: not valid TOML: {err}; correct that line.") from None


def _strip(kind: Any) -> Any:
    """Return the type inside Annotated and Optional."""
    while get_origin(kind) is typing.Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) in (typing.Union, types.UnionType):
        structs = [
            a for a in get_args(kind) if isinstance(_strip(a), type) and issubclass(_strip(a), msgspec.Struct)
        ]
        if structs:
            return structs[0]
        rest = [a for a in get_args(kind) if a is not type(None)]
        return _strip(rest[0]) if len(rest) == 1 else kind
    return kind


def fields(kind: Any) -> dict[str, msgspec.structs.FieldInfo]:
    """Return the fields of a struct type by their names in the file."""
    return {f.encode_name: f for f in msgspec.structs.fields(kind)}


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _unknown(raw: object, kind: Any, at: str) -> list[str]:
    """Return a warning for each key that no setting has."""
    kind = _strip(kind)
    if not isinstance(raw, dict):
        return []
    if get_origin(kind) is dict:
        inner = get_args(kind)[1]
        return [w for k, v in raw.items() for w in _unknown(v, inner, f"{at}{k}.")]
    if not _is_struct(kind):
        return []
    known = fields(kind)
    found = []
    for key, value in raw.items():
        if key in known:
            found += _unknown(value, known[key].type, f"{at}{key}.")
            continue
        near = difflib.get_close_matches(key, known, 1)
        hint = f"did you mean {at}{near[0]}?" if near else f"known here: {', '.join(known)}."
        found.append(f"unknown setting {at}{key} is ignored; {hint}")
    return found


_AT = re.compile(r" - at `(?:key in )?\$\.?(.*)`$")


def _sentence(message: str, raw: dict[str, Any], kind: Any) -> str:
    """Turn msgspec's words into key, value and what would be right."""
    match = _AT.search(message)
    path = [p.strip("[]") for p in re.findall(r"\[\.\.\.\]|\[\d+\]|[^.\[\]]+", match[1])] if match else []
    what = message[: match.start()] if match else message
    names, value, right = _follow(path, raw, kind)
    missing = re.match(r"Object missing required field `(.+)`", what)
    if missing:
        return f"{'.'.join([*names, missing[1]])} is missing; add it."
    shown = "" if _secret(names, value) else f" = {_toml(value)}"
    return f"{'.'.join(names)}{shown} is not right: {_plain(what, kind, path)}{right}; correct it."


def _toml(value: object) -> str:
    """Show a value as it stands in the file."""
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


_WORDS = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "a table",
    "array": "a list",
}


def _plain(what: str, kind: Any, path: list[str]) -> str:
    """Say msgspec's complaint in plain words."""
    if what.startswith("Invalid enum value"):
        options = _options(kind, path)
        return f"it must be one of {', '.join(options)}" if options else "it is not one of the allowed values"
    if "matching regex" in what:
        return "it does not have the right form"
    plain = re.sub(r"`(\w+)(?: \| null)?`", lambda m: _WORDS.get(m[1], m[1]), what)
    return plain[0].lower() + plain[1:]


def _options(kind: Any, path: list[str]) -> list[str]:
    """Return the allowed words of the setting at `path`."""
    for part in path:
        kind = _strip(kind)
        if part == "...":
            kind = get_args(kind)[1]
        elif _is_struct(kind) and part in fields(kind):
            kind = fields(kind)[part].type
    while get_origin(kind) is typing.Annotated:
        kind = get_args(kind)[0]
    members = get_args(kind) if get_origin(kind) in (typing.Union, types.UnionType) else [kind]
    return [f'"{o}"' for m in members if get_origin(m) is typing.Literal for o in get_args(m)]


def _secret(names: list[str], value: object) -> bool:
    """Tell whether a value must not be shown; the address of a database may hold a password, however it is misspelt."""
    if names[-1:] == ["database"]:
        return "@" in str(value) or "password" in str(value)
    return bool(names) and names[-1] in {"ukey", "client_secret", "pin", "password"}


def _follow(path: list[str], raw: Any, kind: Any) -> tuple[list[str], Any, str]:
    """Return the real names along msgspec's path (`[...]` stands for any key), the value there and its description."""
    names: list[str] = []
    right = ""
    for part in path:
        kind = _strip(kind)
        if part == "...":
            inner = get_args(kind)[1] if get_origin(kind) is dict else Any
            part = _first_bad(raw, inner)
            kind = inner
        elif _is_struct(kind) and part in fields(kind):
            kind = fields(kind)[part].type
            right = _description(kind)
        names.append(part)
        raw = (
            raw[int(part)]
            if isinstance(raw, list) and part.isdigit()
            else raw.get(part)
            if isinstance(raw, dict)
            else None
        )
    return names, raw, right


def _first_bad(raw: Any, inner: Any) -> str:
    """Return the first key of a table whose value does not convert."""
    for key, value in raw.items():
        try:
            msgspec.convert(value, inner)
        except msgspec.ValidationError:
            return str(key)
    return "?"


def _description(kind: Any) -> str:
    """Return description and example of a setting, for the end of a sentence."""
    for meta in getattr(kind, "__metadata__", ()):
        if isinstance(meta, msgspec.Meta):
            example = f", such as {meta.examples[0]!r}" if meta.examples else ""
            told = meta.description.rstrip(".") if meta.description else ""
            return f" ({told}{example})" if told or example else ""
    return ""
