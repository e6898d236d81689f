"""The packaged Chinese font: a variable Noto Sans SC, pinned to a weight and cut to the characters that are needed.

Facts: posters 3.2 and 3.3. One weight for some 50 characters costs 0.6-4 ms and 11 kB with HarfBuzz. The instance is renamed:
reportlab and browsers key a font by its name, and all instances would otherwise be `NotoSansSC-Thin`.
"""

from __future__ import annotations

import hashlib
import os
import struct
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

FONT_SHA256 = "a3041811a78c361b1de50f953c805e0244951c21c5bd412f7232ef0d899af0da"
FAMILY = "Kiosk Sans"
_PLACE = "justmytype_intl_cjk"


class FontError(Exception):
    """The packaged font is missing or not the one that was tested."""


@lru_cache(maxsize=1)
def packaged_font() -> Path:
    """Return the variable font's path, its hash checked once a process; `KIOSK_FONT` names another font."""
    if other := os.environ.get("KIOSK_FONT"):
        path = Path(other)
        if not path.is_file():
            raise FontError(f"KIOSK_FONT names {other}, which is not a file; correct or unset it.")
        return path
    spec = find_spec(_PLACE)
    if spec is None or not spec.submodule_search_locations:
        raise FontError("the font package is not installed; install justmytype-intl-cjk==0.1.0.")
    found = sorted(Path(next(iter(spec.submodule_search_locations))).rglob("NotoSansSC*.ttf"))
    if not found:
        raise FontError("justmytype-intl-cjk has no NotoSansSC font; install version 0.1.0.")
    if hashlib.sha256(found[0].read_bytes()).hexdigest() != FONT_SHA256:
        raise FontError(
            f"{found[0].name} is not the font that was tested; reinstall justmytype-intl-cjk==0.1.0."
        )
    return found[0]


@lru_cache(maxsize=1)
def _face() -> object:
    import uharfbuzz as hb

    return hb.Face(hb.Blob.from_file_path(str(packaged_font())))


@lru_cache(maxsize=1)
def _coverage() -> frozenset[int]:
    face = _face()
    return frozenset(face.unicodes)  # type: ignore[attr-defined]


def missing(text: str) -> list[str]:
    """Return the characters of a text that the font cannot draw, each once, in order."""
    known = _coverage()
    return [c for c in dict.fromkeys(text) if ord(c) not in known and c not in "\n\r\t"]


def pinned(text: str, weight: int, name: str = "KioskSans") -> bytes:
    """Return a static TTF of one weight (100-900) that holds the characters of `text` and .notdef, under a name of its own."""
    return _pinned("".join(sorted(set(text))), weight, name)


@lru_cache(maxsize=64)
def _pinned(chars: str, weight: int, name: str) -> bytes:
    import uharfbuzz as hb

    wanted = hb.SubsetInput()
    wanted.unicode_set.update({ord(c) for c in chars} & _coverage())
    wanted.pin_axis_location(_face(), "wght", float(weight))
    cut = hb.subset(_face(), wanted).blob.data
    digest = hashlib.sha256(chars.encode()).hexdigest()[:10]
    return renamed(bytes(cut), f"{name}-{weight}-{digest}")


def renamed(font: bytes, name: str) -> bytes:
    """Return a TrueType font with a `name` table that holds only `name` (as family, full and PostScript name)."""
    count = struct.unpack(">H", font[4:6])[0]
    tables: dict[bytes, bytes] = {}
    for i in range(count):
        tag, _, offset, length = struct.unpack(">4sIII", font[12 + 16 * i : 28 + 16 * i])
        tables[tag] = font[offset : offset + length]
    tables[b"name"] = _name_table(name)
    return _assemble(font[:4], tables)


def _name_table(name: str) -> bytes:
    """Return an OpenType `name` table, Windows platform, English, ids 1, 2, 4 and 6."""
    entries = [(1, name), (2, "Regular"), (4, name), (6, name)]
    raw, records = b"", b""
    for number, value in entries:
        text = value.encode("utf-16-be")
        records += struct.pack(">HHHHHH", 3, 1, 0x409, number, len(text), len(raw))
        raw += text
    return struct.pack(">HHH", 0, len(entries), 6 + len(records)) + records + raw


def _checksum(raw: bytes) -> int:
    padded = raw + b"\0" * (-len(raw) % 4)
    words: tuple[int, ...] = struct.unpack(f">{len(padded) // 4}I", padded)
    return sum(words) & 0xFFFFFFFF


def _assemble(version: bytes, tables: dict[bytes, bytes]) -> bytes:
    """Return a font file of the tables (OpenType 1.9, `Organization of an OpenType font`)."""
    tables = {**tables, b"head": tables[b"head"][:8] + b"\0\0\0\0" + tables[b"head"][12:]}
    power = max(1, 1 << (len(tables).bit_length() - 1))
    header = version + struct.pack(
        ">HHHH", len(tables), power * 16, power.bit_length() - 1, len(tables) * 16 - power * 16
    )
    offset = 12 + 16 * len(tables)
    directory, body, head_at = b"", b"", 0
    for tag in sorted(tables):
        raw = tables[tag]
        if tag == b"head":
            head_at = offset + len(body)
        directory += struct.pack(">4sIII", tag, _checksum(raw), offset + len(body), len(raw))
        body += raw + b"\0" * (-len(raw) % 4)
    whole = bytearray(header + directory + body)
    struct.pack_into(">I", whole, head_at + 8, (0xB1B0AFBA - _checksum(bytes(whole))) & 0xFFFFFFFF)
    return bytes(whole)
