"""Whatever bytes come in, the parsers answer with a value or a named refusal: uploads, device messages, codes."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from hub import device_api
from hub.errors import Refused
from hub.store import envelope
from kiosk.coupons import code as codes
from kiosk.coupons.code import (
    Link,
    Opaque,
    Payment,
    Short,
    Signed,
    Unreadable,
    is_payment_code,
    new_short,
    sign,
)
from kiosk.coupons.ids import new_rid
from kiosk.sync import protocol as p

SECONDS = float(os.environ.get("KIOSK_PROVE_SECONDS", "60"))
CASES = int(100_000 * min(1.0, SECONDS / 60))
SHARES = {"upload": 0.35, "message": 0.3, "code": 0.35}
AT = datetime(2026, 11, 25, 1, tzinfo=UTC)
KEY = Ed25519PrivateKey.generate()
PUBLIC = {3: KEY.public_key().public_bytes_raw()}
GOOD_CODE = sign(KEY, slot=3, batch=7, serial=9, not_after=date(2027, 1, 1))


def _upload() -> bytes:
    t = p.Stamp(wall=AT, mono=1.0, boot="b", trusted=AT, error_s=0.5)
    items, tip = [], p.GENESIS
    for seq in (1, 2, 3):
        body = {"coupon": f"1-{seq}", "value": 100}
        tip = p.item_hash(tip, seq, "redeem_record", f"r{seq}", body, t)
        items.append(p.Item(seq, "redeem_record", f"r{seq}", body, t, tip))
    return msgspec.json.encode(p.Upload("epoch", 1, p.GENESIS, tuple(items)))


MESSAGES: dict[type[Any], bytes] = {
    p.Ask: msgspec.json.encode(p.Ask(rid=new_rid(), code=GOOD_CODE, store="S1", total=2000)),
    p.Enrol: msgspec.json.encode(p.Enrol("k" * 43, "p" * 86, "n" * 22, "till", "token", {"board": "1"})),
    p.PoolAsk: msgspec.json.encode(p.PoolAsk(new_rid(), "SLIP", 20)),
    p.LeaseAsk: msgspec.json.encode(p.LeaseAsk(new_rid(), "L", "e")),
    p.PrintAsk: msgspec.json.encode(
        p.PrintAsk(rid=new_rid(), printer="feie://920000001", content="<B>hi</B>", deadline_s=30)
    ),
}
WORDS = [
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"null",
    b"-1",
    b"1e999",
    b"\\u0000",
    b"\\ud800",
    b"\xff",
    b"[" * 1200,
]
"""What breaks readers of JSON; the last one is deeper than a stack."""
edit = st.tuples(st.integers(0, 5), st.integers(0, 4000), st.sampled_from(WORDS), st.integers(0, 255))


def spoilt(good: bytes, edits: list[tuple[int, int, bytes, int]]) -> bytes:
    """Return a message after some cuts, flips, repeats and insertions."""
    raw = bytearray(good)
    for how, where, word, byte in edits:
        at = where % (len(raw) + 1)
        if how == 0:
            del raw[at:]
        elif how == 1 and at < len(raw):
            raw[at] = byte
        elif how == 2:
            raw[at:at] = word
        elif how == 3:
            raw[at:at] = raw[at : at + byte]
        elif how == 4:
            del raw[at : at + byte % 8]
        else:
            raw[at : at + len(word)] = word
    return bytes(raw)


def spoilt_of(*good: bytes) -> st.SearchStrategy[bytes]:
    """Mostly messages that were good once, now and then anything at all."""
    return st.builds(spoilt, st.sampled_from(good), st.lists(edit, max_size=4)) | st.binary(max_size=200)


def is_told(err: Refused) -> None:
    assert (err.error, err.status) == ("bad_request", 400)
    assert "not right: " in str(err)


def upload_is_read_or_refused(raw: bytes) -> None:
    try:
        found = envelope.read(raw)
    except Refused as err:
        is_told(err)
        return
    for one in found.items:
        msgspec.json.encode(one.kept())
        try:
            item = one.item()
        except envelope.BadItem:
            continue
        else:
            assert item.t.trusted.tzinfo is not None


def message_is_read_or_refused(raw: bytes) -> None:
    for kind in MESSAGES:
        try:
            found = device_api.decode(raw, kind)
        except Refused as err:
            is_told(err)
        else:
            assert device_api.decode(msgspec.json.encode(found), kind) == found


def code_is_named(text: str) -> None:
    found = codes.read(text)
    assert isinstance(found, Signed | Short | Opaque | Payment | Link | Unreadable)
    assert isinstance(found, Payment) == (len(text) <= 2048 and is_payment_code(text.strip()))
    if isinstance(found, Signed):
        assert codes.verify(found, PUBLIC) == (found.text == GOOD_CODE), "a changed code is not believed"
    if isinstance(found, Short):
        assert codes.canonical_short(found.text) == found.text


uploads = spoilt_of(_upload())
messages = spoilt_of(*MESSAGES.values())
texts = st.one_of(
    st.builds(spoilt, st.sampled_from([GOOD_CODE.encode(), GOOD_CODE.lower().encode(), new_short().encode()]), st.lists(edit, max_size=2)).map(
        lambda raw: raw.decode("latin-1")
    ),
    st.text(max_size=60),
    st.text("0123456789 -", min_size=14, max_size=26),
    st.text("0123456789", min_size=16, max_size=24).map(lambda s: "25" + s[2:]),
    st.text(min_size=1, max_size=20).map(lambda s: s * 700),
)  # fmt: skip
PARSERS: dict[str, tuple[st.SearchStrategy[Any], Callable[[Any], None]]] = {
    "upload": (uploads, upload_is_read_or_refused),
    "message": (messages, message_is_read_or_refused),
    "code": (texts, code_is_named),
}


def test_the_seeds_are_good() -> None:
    """Without this, nothing beyond the first character might be fuzzed."""
    assert len([one.item() for one in envelope.read(_upload()).items]) == 3
    for kind, raw in MESSAGES.items():
        assert isinstance(device_api.decode(raw, kind), kind)
    found = codes.read(GOOD_CODE)
    assert isinstance(found, Signed)
    assert codes.verify(found, PUBLIC)


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_survives_anything(name: str) -> None:
    strategy, holds = PARSERS[name]
    given(strategy)(holds)()


@pytest.mark.parametrize(
    "where", [b'"prev":"0', b'"kind":"r', b'"coupon":"1'], ids=["envelope", "kind", "body"]
)
def test_an_upload_that_is_not_utf_8_is_read_or_refused(where: bytes) -> None:
    upload_is_read_or_refused(_upload().replace(where, where[:-1] + b"\xff"))


def test_a_message_that_is_not_utf_8_is_refused() -> None:
    message_is_read_or_refused(MESSAGES[p.Ask].replace(b"S1", b"\xff"))


@pytest.mark.prove
@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_survives_very_many_things(
    name: str, record_property: Callable[[str, object], None]
) -> None:
    strategy, holds = PARSERS[name]
    wanted, cases = int(CASES * SHARES[name]), 0

    @settings(max_examples=wanted, database=None, phases=[Phase.generate, Phase.shrink])
    @given(strategy)
    def many(found: Any) -> None:
        nonlocal cases
        cases += 1
        holds(found)

    many()
    record_property("cases", cases)
    assert cases >= wanted
