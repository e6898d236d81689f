"""An upload as it came: the envelope is read strictly, each item's content only when its turn comes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec

from hub.errors import Refused
from kiosk.sync.protocol import Ended, Item, Rid

Seq = Annotated[int, msgspec.Meta(ge=1, lt=2**53)]
Hash = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
FIRST, LAST = 2000, 2199
RAW_MAX = 20_000
"""Characters kept of an item that cannot be read."""


class BadItem(Exception):
    """An item whose content cannot be read."""


def clean(text: str) -> str:
    """Return a text that every database takes: no NUL, no half of a surrogate pair."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


class _Head(msgspec.Struct, frozen=True):
    seq: Seq
    hash: Hash


class Kept(msgspec.Struct, frozen=True):
    """What the journal's table holds of an item."""

    kind: str
    rid: str
    body: dict[str, Any]
    t: dict[str, Any]


class RawItem(msgspec.Struct, frozen=True):
    """One item: its place in the chain, and its text."""

    seq: int
    hash: str
    text: bytes

    def item(self) -> Item:
        """Read the content; BadItem says what is wrong with it."""
        try:
            item = msgspec.json.decode(self.text, type=Item)
            msgspec.convert(item.rid, Rid)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
            raise BadItem(str(err)) from None
        # The wall clock is evidence only, and a board without a battery boots in 1970: any year is a true statement.
        for name, years in (("wall", (0, 10_000)), ("trusted", (FIRST, LAST))):
            at: datetime = getattr(item.t, name)
            if at.tzinfo is None or at.utcoffset() is None or not years[0] < at.year < years[1]:
                raise BadItem(
                    f"t.{name} {at.isoformat()} is not a time with an offset from {FIRST + 1} to {LAST - 1}"
                )
        if item.t.error_s is not None and not 0 <= item.t.error_s < timedelta(days=36_500).total_seconds():
            raise BadItem(f"t.error_s {item.t.error_s} is not a span of time")
        return item

    def kept(self) -> Kept:
        """Return what is kept, readable or not."""
        try:
            plain = msgspec.json.decode(self.text)
            body = plain.get("body") if isinstance(plain, dict) else None
            stamp = plain.get("t") if isinstance(plain, dict) else None
            return Kept(
                clean(str(plain.get("kind", "")))[:32],
                clean(str(plain.get("rid", "")))[:32],
                body if isinstance(body, dict) else {"raw": body},
                stamp if isinstance(stamp, dict) else {"raw": stamp},
            )
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Kept("", "", {"raw": clean(self.text.decode("utf-8", "replace"))[:RAW_MAX]}, {})


class Envelope(msgspec.Struct, frozen=True):
    """A run of items of one epoch."""

    epoch: str
    first_seq: int
    prev: str
    items: tuple[RawItem, ...]
    ended: Ended | None = None
    parting: bool = False


class _Ended(msgspec.Struct, frozen=True):
    epoch: str
    kept: Annotated[tuple[tuple[Seq, Seq], ...], msgspec.Meta(max_length=100)]
    had: Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
    marks: Annotated[tuple[tuple[Seq, Hash], ...], msgspec.Meta(max_length=100)] = ()


class _Wire(msgspec.Struct, frozen=True):
    epoch: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z_-]{1,32}$")]
    first_seq: Seq
    prev: Hash
    items: tuple[msgspec.Raw, ...]
    ended: _Ended | None = None
    parting: bool = False


def read(raw: bytes) -> Envelope:
    """Read an upload; Refused `bad_request` when its envelope is not right."""
    try:
        wire = msgspec.json.decode(raw, type=_Wire)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise Refused("bad_request", f"the message is not right: {err}", 400) from None
    items = []
    for n, text in enumerate(wire.items):
        try:
            head = msgspec.json.decode(text, type=_Head)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
            raise Refused("bad_request", f"items[{n}] is not right: {err}", 400) from None
        items.append(RawItem(head.seq, head.hash, bytes(text)))
    ended = None if wire.ended is None else Ended(**msgspec.structs.asdict(wire.ended))
    return Envelope(wire.epoch, wire.first_seq, wire.prev, tuple(items), ended, wire.parting)
