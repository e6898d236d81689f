"""Store data from files: one store in TOML, many in CSV."""

from __future__ import annotations

import codecs
import csv
import io
import re
import tomllib
from pathlib import Path

from msgspec import Struct

from posters.catalog import syntax_error
from posters.errors import UsageError
from posters.merge import FIELDS, REQUIRED, reject_unknown

MAX_BYTES = 64 * 2**20
MARKS = (
    (codecs.BOM_UTF8, "UTF-8"),
    (codecs.BOM_UTF32_LE, "UTF-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
    ("\ufeff".encode("gb18030"), "GB18030"),
)
"""Byte order marks (Unicode 16.0, table 23-6; GB 18030-2022)."""

_TOLD = re.compile(r'"?sep=([,;\t|])"?\Z', re.IGNORECASE)
"""The line by which Excel says what parts the cells."""


class Row(Struct, frozen=True):
    """One store of a CSV: where it stands, what it holds, what is wrong with its form."""

    line: int
    data: dict[str, str]
    extra: int = 0


class Table(Struct, frozen=True):
    """A CSV as read."""

    rows: list[Row]
    ignored: list[str]


def read_bytes(path: Path) -> bytes:
    """Return a file's bytes; one sentence when it cannot be read."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError("{file} is larger than 64 MB", file=path)
        return path.read_bytes()
    except OSError as error:
        raise UsageError("{file} cannot be read: {why}", file=path, why=error.strerror or error) from error


def read_store(path: Path) -> dict[str, str]:
    """Return the fields of one store from TOML; a mistake names file and line."""
    raw = read_bytes(path)
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise UsageError(
            "{file} line {line} is not UTF-8: save the file as UTF-8", file=path, line=line
        ) from error
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise syntax_error(path, error) from error
    for name in found:
        reject_unknown([name], f"{path}{_line(text, name)}")
    return {name: _text(path, text, name, value) for name, value in found.items()}


def _text(path: Path, source: str, name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise UsageError(
        '{file}: {field} must be text: write {field} = "…"', file=f"{path}{_line(source, name)}", field=name
    )


def _line(text: str, name: str) -> str:
    found = re.search(rf"^\s*[\[\"']*{re.escape(name)}\b", text, re.MULTILINE)
    return f" line {text[: found.end()].count(chr(10)) + 1}" if found else ""


def read_table(path: Path) -> Table:
    """Return the rows of a CSV: in what its byte order mark says, else in UTF-8 or in GBK as Excel saves it."""
    text, encoding = _decoded(path, read_bytes(path))
    first = text.split("\n", 1)[0].rstrip("\r")
    told = _TOLD.match(first)
    delimiter = told.group(1) if told else next((d for d in (",", "\t", ";") if d in first), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        if told:
            next(reader)
        header = [name.strip().lower() for name in next(reader, [])]
        _check_header(path, header, encoding)
        rows, line = [], reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(_row(header, cells, line))
            line = reader.line_num + 1
    except csv.Error as error:
        raise UsageError(
            "{file} line {line} is not CSV: {why}", file=path, line=reader.line_num, why=str(error)
        ) from error
    return Table(rows, [name for name in header if name and name not in FIELDS])


def _row(header: list[str], cells: list[str], line: int) -> Row:
    data = {name: cell for name, cell in zip(header, cells, strict=False) if name in FIELDS}
    return Row(line, data, max(0, len(cells) - len(header)))


def _check_header(path: Path, header: list[str], encoding: str) -> None:
    """Raise when a required column is missing or a column stands twice."""
    lost = [name for name in REQUIRED if name not in header]
    if lost:
        raise UsageError(
            "{file} line 1, read as {encoding}, has no column {names}",
            file=path,
            encoding=encoding,
            names=", ".join(lost),
        )
    twice = [name for name in FIELDS if header.count(name) > 1]
    if twice:
        raise UsageError("{file} line 1: the column {name} stands twice", file=path, name=twice[0])


def _decoded(path: Path, raw: bytes) -> tuple[str, str]:
    """Return a table's text and the name of the encoding that it was read in."""
    marked = next((name for mark, name in MARKS if raw.startswith(mark)), None)
    if marked is not None:
        try:
            return raw.decode(marked).removeprefix("\ufeff"), marked
        except UnicodeDecodeError as error:
            raise UsageError(
                "{file} begins as {encoding} and does not go on so: save the table as CSV UTF-8",
                file=path,
                encoding=marked,
            ) from error
    if b"\0" in raw:
        raise UsageError("{file} is not a CSV: save the table as CSV UTF-8", file=path)
    for encoding in ("UTF-8", "GB18030"):
        try:
            return raw.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise UsageError("{file} is neither UTF-8 nor GBK: save the table as CSV UTF-8", file=path)
