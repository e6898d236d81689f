"""The settings of a program, from the msgspec types that read its TOML file."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import msgspec.inspect as mi

EMPTY = "empty"


def bare(kind: mi.Type) -> mi.Type:
    """Return a type without its metadata and without `| None`."""
    while True:
        if isinstance(kind, mi.Metadata):
            kind = kind.type
        elif isinstance(kind, mi.UnionType) and len(rest := without_none(kind)) == 1:
            kind = rest[0]
        else:
            return kind


def without_none(kind: mi.UnionType) -> list[mi.Type]:
    """Return the members of a union that are not None."""
    return [t for t in kind.types if not isinstance(t, mi.NoneType)]


def told(kind: mi.Type) -> dict[str, Any]:
    """Return description and examples of a type, the outermost first."""
    found: dict[str, Any] = {}
    while True:
        if isinstance(kind, mi.Metadata):
            found = {**(kind.extra_json_schema or {}), **found}
            kind = kind.type
        elif isinstance(kind, mi.UnionType) and len(rest := without_none(kind)) == 1:
            kind = rest[0]
        else:
            return found


def toml(value: object) -> str:
    """Write a value as it stands in a TOML file."""
    if value is None or value in ("", (), [], {}):
        return EMPTY
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return f"`{json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)}`"


def bounds(kind: mi.Type) -> str:
    """Say what values a setting takes."""
    if isinstance(kind, mi.LiteralType):
        return ", ".join(toml(v) for v in kind.values)
    if isinstance(kind, mi.BoolType):
        return "`true`, `false`"
    if isinstance(kind, mi.IntType | mi.FloatType):
        name = "whole number" if isinstance(kind, mi.IntType) else "number"
        return f"{name}, {kind.ge} to {kind.le}" if kind.le is not None else name
    if isinstance(kind, mi.StrType):
        if kind.max_length is not None:
            return f"text, at most {kind.max_length} characters"
        return "text"
    if isinstance(kind, mi.VarTupleType | mi.ListType):
        return f"list of {bounds(bare(kind.item_type))}"
    if isinstance(kind, mi.DictType):
        return f"{bounds(bare(kind.value_type))} for each NAME"
    if isinstance(kind, mi.UnionType):
        return ", ".join(bounds(bare(t)) for t in without_none(kind))
    if isinstance(kind, mi.StructType):
        return "{ " + ", ".join(f.encode_name for f in kind.fields) + " }"
    return type(kind).__name__.removesuffix("Type").lower()


def default_of(field: mi.Field) -> object:
    """Return what a setting is when the file does not say."""
    if field.default is msgspec.NODEFAULT and callable(field.default_factory):
        made: object = field.default_factory()
        return made
    return field.default


def row(field: mi.Field) -> str:
    """Return the row of one setting."""
    info = told(field.type)
    default = "must be given" if field.required else toml(default_of(field))
    meaning = info.get("description", "")
    if examples := info.get("examples"):
        meaning += f" Such as {toml(examples[0])}."
    name = field.encode_name
    if isinstance(bare(field.type), mi.DictType):
        name += ".NAME"
    return f"| `{name}` | {bounds(bare(field.type))} | {default} | {meaning.strip()} |"


def table(title: str, kind: mi.StructType, about: str) -> list[str]:
    """Return one table of a file, and the tables below it."""
    plain: list[mi.Field] = []
    below: list[tuple[str, mi.StructType]] = []
    for field in kind.fields:
        inner = bare(field.type)
        if isinstance(inner, mi.DictType) and isinstance(each := bare(inner.value_type), mi.StructType):
            below.append((f"{field.encode_name}.NAME", each))
        elif isinstance(inner, mi.StructType):
            below.append((field.encode_name, inner))
        else:
            plain.append(field)
    lines = [title, "", about, ""] if title else []
    lines += ["| key | value | default | meaning |", "|---|---|---|---|", *map(row, plain), ""]
    for name, inner in below:
        lines += table(f"#### `[{name}]`", inner, (inner.cls.__doc__ or "").strip())
    return lines


def block(settings: type[Any]) -> str:
    """Return all settings of a file as Markdown."""
    kind = mi.type_info(settings)
    assert isinstance(kind, mi.StructType)
    return "\n".join(table("", kind, "")).rstrip()


def undescribed(settings: type[Any]) -> list[str]:
    """Return the settings that say nothing about themselves."""

    def walk(kind: mi.Type, at: str) -> list[str]:
        inner = bare(kind)
        if isinstance(inner, mi.DictType) and isinstance(bare(inner.value_type), mi.StructType):
            return walk(inner.value_type, f"{at}.NAME")
        if isinstance(inner, mi.StructType):
            found = [] if (inner.cls.__doc__ or "").strip() else [at]
            return found + [
                n for f in inner.fields for n in walk(f.type, f"{at}.{f.encode_name}".lstrip("."))
            ]
        return [] if told(kind).get("description") else [at]

    return walk(mi.type_info(settings), "")
