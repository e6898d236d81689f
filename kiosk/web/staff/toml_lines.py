"""The lines of a TOML file as its statements: headers of tables, and values that may span lines, each where it stands.

A statement is as many lines as TOML's own reader takes for one (TOML 1.0: arrays and strings of three quotes go over lines), so a
bracket inside a value is no header, and a name is the same whether it is quoted or not.
"""

from __future__ import annotations

import tomllib
from typing import Any, NamedTuple


class Part(NamedTuple):
    """One statement: its lines from `begin` up to `end`, and the names that lead to it from the top of the file."""

    begin: int
    end: int
    header: bool
    path: tuple[str, ...]
    """Empty: a comment, or nothing."""
    name: str
    """What stands before `=`, as it is written."""


def parts(lines: list[str]) -> list[Part]:
    """Return the statements of a file that can be read."""
    found: list[Part] = []
    table: tuple[str, ...] = ()
    begin = 0
    while begin < len(lines):
        end = _end(lines, begin)
        if header := lines[begin].lstrip().startswith("["):
            table = _names(tomllib.loads(lines[begin]))
            found.append(Part(begin, end, header, table, ""))
        else:
            name = _name(lines[begin])
            path = (*table, *_names(tomllib.loads(f"{name} = 0"))) if name else ()
            found.append(Part(begin, end, header, path, name))
        begin = end
    return found


def _end(lines: list[str], begin: int) -> int:
    for end in range(begin + 1, len(lines) + 1):
        try:
            tomllib.loads("\n".join(lines[begin:end]))
        except tomllib.TOMLDecodeError:
            continue
        return end
    return len(lines)


def _name(line: str) -> str:
    """Return what stands before the first `=` that is not within quotes; empty in a comment."""
    for at, letter in enumerate(line):
        if letter != "=":
            continue
        try:
            if tomllib.loads(f"{line[:at]} = 0"):
                return line[:at].rstrip()
        except tomllib.TOMLDecodeError:
            continue
    return ""


def _names(read: dict[str, Any]) -> tuple[str, ...]:
    """Return the names that lead into a statement; one of many tables of a name (`[[x]]`) is no table of that name."""
    names: list[str] = []
    value: Any = read
    while isinstance(value, dict) and value:
        ((name, value),) = value.items()
        names.append(name)
    return (*names, "[]") if isinstance(value, list) else tuple(names)
