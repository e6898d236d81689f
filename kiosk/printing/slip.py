"""A slip as values: frozen, versioned, JSON."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

VERSION = 1
Align = Literal["left", "center", "right"]
Scale = Annotated[int, Meta(ge=1, le=2)]


class Text(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="text"):
    """A paragraph."""

    text: Annotated[str, Meta(max_length=2000)]
    align: Align = "left"
    width: Scale = 1
    height: Scale = 1
    bold: bool = False
    underline: bool = False


class Cell(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One cell of a row; `columns` are half-width characters."""

    text: Annotated[str, Meta(max_length=500)]
    columns: Annotated[int, Meta(ge=1, le=48)]
    align: Align = "left"


class Row(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="row"):
    """Cells side by side; a long one wraps inside its columns."""

    cells: Annotated[tuple[Cell, ...], Meta(min_length=1, max_length=4)]
    bold: bool = False
    stretch: bool = False
    """On wider paper the cells grow in proportion."""


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="rule"):
    """A line across the slip."""

    char: Annotated[str, Meta(pattern=r"^[\x21-\x7e]$")] = "-"


class Qr(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="qr"):
    """A QR code, centred, its quiet zone kept."""

    data: Annotated[str, Meta(min_length=1, max_length=500)]
    level: Literal["L", "M", "Q", "H"] = "M"
    module: Annotated[int, Meta(ge=3, le=12)] | None = None
    """Dots of a module; None: as large as fits, at most 8."""


class Code128(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="code128"):
    """A CODE128 barcode with its text below."""

    data: Annotated[str, Meta(min_length=1, max_length=48, pattern=r"^[\x20-\x7e]+$")]
    height: Annotated[int, Meta(ge=24, le=255)] = 80
    text: bool = True
    """Print the text below; where the barcode does not fit it is printed all the same."""


class Logo(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="logo"):
    """A stored picture, by name."""

    name: Annotated[str, Meta(pattern=r"^[0-9a-z_-]{1,32}$")]


class Feed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="feed"):
    """Blank lines."""

    lines: Annotated[int, Meta(ge=1, le=20)] = 1


class Cut(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="cut"):
    """The end of the slip."""

    kind: Literal["partial", "full"] = "partial"


class Drawer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="drawer"):
    """A pulse to the cash drawer."""

    pin: Literal[2, 5] = 2


Element = Text | Row | Rule | Qr | Code128 | Logo | Feed | Cut | Drawer


class Slip(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the thermal printer prints."""

    version: Literal[1] = 1
    kind: Annotated[str, Meta(pattern=r"^[a-z0-9_-]{1,32}$")] = "slip"
    copies: Annotated[int, Meta(ge=1, le=9)] = 1
    elements: Annotated[tuple[Element, ...], Meta(max_length=500)]
    notes: Annotated[tuple[Annotated[str, Meta(max_length=300)], ...], Meta(max_length=100)] = ()
    """What whoever made the slip had to cut: it is not printed, every report says it."""


class SlipError(Exception):
    """One sentence that says what is wrong with a slip, where, and what would be right."""


def parse_slip(raw: bytes | str | dict[str, Any]) -> Slip:
    """Read a slip from JSON."""
    try:
        text = raw.decode("utf-8-sig") if isinstance(raw, bytes) else raw
        plain = json.loads(text) if isinstance(text, str) else text
    except UnicodeDecodeError as err:
        raise SlipError(f"the slip is not UTF-8 at byte {err.start}; save it as UTF-8.") from None
    except json.JSONDecodeError as err:
        raise SlipError(
            f"the slip is not valid JSON at line {err.lineno} column {err.colno} ({err.msg}); correct it."
        ) from None
    except RecursionError:
        raise SlipError("the slip is nested too deeply; a slip is one list of elements.") from None
    if isinstance(plain, dict) and plain.get("version", VERSION) != VERSION:
        raise SlipError(f"version = {plain['version']!r} is not known; this program reads version {VERSION}.")
    try:
        return msgspec.convert(plain, Slip)
    except msgspec.ValidationError as err:
        raise SlipError(_sentence(str(err), plain)) from None


TEXT_MOST, CELL_MOST = 2000, 500
"""Characters that `Text` and `Cell` take; 2,000 are 40 cm of paper."""


def bounded(slip: Slip) -> tuple[Slip, tuple[str, ...]]:
    """Return a slip that can be read again, and a sentence for each text that had to be cut; the cut shows as `…`."""
    told: list[str] = []

    def cut(text: str, most: int, where: str) -> str:
        if len(text) <= most:
            return text
        told.append(f"{where} has {len(text)} characters, {most} are printed: {text[:12]!r}….")
        return text[: most - 1] + "…"

    def fitting(n: int, element: Element) -> Element:
        if isinstance(element, Text):
            return replace(element, text=cut(element.text, TEXT_MOST, f"elements[{n}]"))
        if isinstance(element, Row):
            cells = (
                replace(c, text=cut(c.text, CELL_MOST, f"elements[{n}].cells[{k}]"))
                for k, c in enumerate(element.cells)
            )
            return replace(element, cells=tuple(cells))
        return element

    elements = tuple(fitting(n, e) for n, e in enumerate(slip.elements))
    notes = tuple(dict.fromkeys((*slip.notes, *(note[:300] for note in told))))[:100]
    return replace(slip, elements=elements, notes=notes), tuple(told)


def _sentence(message: str, plain: Any) -> str:
    what, _, where = message.partition(" - at `$")
    where = where.strip("`").lstrip(".")
    value: Any = plain
    for part in re.findall(r"\[(\d+)\]|([A-Za-z_0-9]+)", where):
        try:
            value = value[int(part[0])] if part[0] else value[part[1]]
        except (KeyError, IndexError, TypeError):
            value = None
    shown = f" = {value!r}" if isinstance(value, str | int | float | bool) else ""
    return f"{where or 'the slip'}{shown[:80]} is not right: {what[0].lower()}{what[1:]}; `kiosk slip schema` says what would be."


def slip_schema() -> dict[str, Any]:
    """Return the JSON Schema of a slip."""
    plain: dict[str, Any] = json.loads(msgspec.json.encode(msgspec.json.schema(Slip)))
    return plain
