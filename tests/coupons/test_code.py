"""Codes: vectors, round trips, the check character, the payment guard."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from kiosk.coupons import base45
from kiosk.coupons.code import (
    CROCKFORD,
    TEXT_LENGTH,
    Link,
    Opaque,
    Payment,
    Short,
    Signed,
    Unreadable,
    canonical_short,
    code_hash,
    grouped,
    new_short,
    read,
    sign,
    verify,
)

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text("utf-8"))
KEY = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTORS["private_key"]))
PUBLIC = {3: KEY.public_key().public_bytes_raw()}


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"AB", "BB8"),
        (b"Hello!!", "%69 VD92EX0"),
        (b"base-45", "UJCLQE7W581"),
        (b"ietf!", "QED8WEX0"),
        (b"", ""),
    ],
)
def test_base45_has_the_vectors_of_rfc_9285(raw: bytes, text: str) -> None:
    assert base45.encode(raw) == text
    assert base45.decode(text) == raw


@pytest.mark.parametrize("bad", ["A", "AAAA", "abc", "GGW", ":::", "::"])
def test_base45_refuses_what_it_did_not_write(bad: str) -> None:
    with pytest.raises(ValueError, match="base45"):
        base45.decode(bad)


@given(st.binary(max_size=100))
def test_base45_round_trip(raw: bytes) -> None:
    assert base45.decode(base45.encode(raw)) == raw


@pytest.mark.parametrize("vector", VECTORS["signed"], ids=lambda v: f"{v['batch']}-{v['serial']}")
def test_signed_codes_have_the_published_vectors(vector: dict[str, object]) -> None:
    fields = {k: vector[k] for k in ("slot", "batch", "serial", "klass")}
    text = sign(KEY, not_after=date.fromisoformat(str(vector["not_after"])), **fields)  # type: ignore[arg-type]
    assert text == vector["text"]


@given(
    slot=st.integers(0, 15),
    batch=st.integers(0, 2**32 - 1),
    serial=st.integers(0, 2**32 - 1),
    day=st.dates(date(2020, 1, 1), date(2190, 1, 1)),
    klass=st.integers(0, 255),
)
def test_a_signed_code_reads_back(slot: int, batch: int, serial: int, day: date, klass: int) -> None:
    text = sign(KEY, slot=slot, batch=batch, serial=serial, not_after=day, klass=klass)
    assert len(text) == TEXT_LENGTH
    assert " " not in text
    scan = read(f"  {text.lower()}\r\n")
    assert isinstance(scan, Signed)
    assert (scan.code.slot, scan.code.batch, scan.code.serial, scan.code.not_after, scan.code.klass) == (
        slot,
        batch,
        serial,
        day,
        klass,
    )
    assert scan.code.coupon == f"{batch}-{serial}"
    assert verify(scan, {slot: PUBLIC[3]})
    assert not verify(scan, {(slot + 1) % 16: PUBLIC[3]})


@given(st.integers(0, 76), st.integers(1, 255))
def test_a_changed_byte_is_not_believed(position: int, flip: int) -> None:
    text = sign(KEY, slot=3, batch=7, serial=9, not_after=date(2027, 1, 1))
    raw = bytearray(base45.decode(text[3:]))
    raw[position] ^= flip
    scan = read("C1:" + base45.encode(bytes(raw)))
    assert not isinstance(scan, Signed) or not verify(scan, PUBLIC)


def test_short_codes_are_fresh_and_start_with_a_letter() -> None:
    codes = {new_short() for _ in range(500)}
    assert len(codes) == 500
    assert all(len(c) == 12 and c[0].isalpha() and canonical_short(c) == c for c in codes)


@given(st.integers(0, 11), st.sampled_from(CROCKFORD))
def test_every_wrong_character_is_found(position: int, char: str) -> None:
    code = new_short()
    wrong = code[:position] + char + code[position + 1 :]
    assert (canonical_short(wrong) is None) == (wrong != code)


@given(st.integers(0, 10))
def test_every_swap_of_neighbours_is_found(position: int) -> None:
    code = new_short()
    a, b = code[position], code[position + 1]
    swapped = code[:position] + b + a + code[position + 2 :]
    assert (canonical_short(swapped) is None) == (a != b)


def test_people_may_type_as_they_like() -> None:
    code = VECTORS["short"]
    assert canonical_short(grouped(code).lower()) == code
    assert canonical_short(grouped(code).replace(" ", "-").replace("0", "o").replace("1", "l")) == code


def test_the_hash_of_a_short_code_has_its_vector() -> None:
    assert code_hash(bytes.fromhex(VECTORS["code_key"]), VECTORS["short"]) == VECTORS["short_hash"]


@pytest.mark.parametrize(
    "text",
    [
        "130000000000000000",
        " 13 0000 0000 0000 0000 ",
        "100000000000000000",
        "159999999999999999",
        "2800000000000000",
        "300000000000000000000000",
        "250000000000000000",
        "1300-1234-5678-9012-34",
        "130012345678901234-",
        "_1300_1234_5678_9012_34",
        "2812-3456-7890-1234-567",
        "28 12-34 56_78-90 1234-567",
    ],
)
def test_payment_codes_are_recognised_and_carry_nothing(text: str) -> None:
    assert read(text) == Payment()


@pytest.mark.parametrize("between", ["", " ", "-", "_"])
def test_the_guard_is_as_wide_as_the_two_wallets_and_no_wider(between: str) -> None:
    """WeChat: 18 digits from 10 to 15. Alipay: 16 to 24 digits from 25 to 30, but 22 digits are a WeChat coupon."""
    caught = set()
    for prefix in (9, 10, 15, 16, 24, 25, 26, 29, 30, 31):
        for length in range(15, 26):
            digits = f"{prefix:02}" + "7" * (length - 2)
            text = between.join(digits[i : i + 4] for i in range(0, length, 4))
            if read(text) == Payment():
                caught.add((prefix, length))
    wechat = {(prefix, 18) for prefix in (10, 15)}
    alipay = {(prefix, n) for prefix in (25, 26, 29, 30) for n in (16, 17, 18, 19, 20, 21, 23, 24)}
    assert caught == wechat | alipay


def test_no_code_of_ours_is_taken_for_a_payment_code() -> None:
    assert all(
        isinstance(read(grouped(new_short()).replace(" ", sep)), Short) for sep in " -" for _ in range(200)
    )


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("2500000000000000000000", Opaque),  # 22 digits: a WeChat coupon
        ("160000000000000000", Opaque),
        ("13000000000000000", Opaque),
        ("MEMBER_2026-11", Opaque),
        ("2500-0000-0000-0000-0000-00", Opaque),
        ("A-130012345678901234", Opaque),
        ("https://q.example.cn/c/S0001", Link),
        ("", Unreadable),
        ("你好", Unreadable),
        ("C1:", Unreadable),
        ("C1:" + "0" * 116, Unreadable),
        ("x" * 5000, Unreadable),
        ("a b", Unreadable),
    ],
)
def test_other_texts_are_told_apart(text: str, kind: type) -> None:
    assert isinstance(read(text), kind)


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert isinstance(read(text), Signed | Short | Opaque | Payment | Link | Unreadable)
