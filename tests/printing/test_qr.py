"""How large a QR code is, against two encoders that draw it."""

from __future__ import annotations

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st
from qrcode.util import BIT_LIMIT_TABLE

from kiosk.printing import qr
from ui.codes import modules

LEVELS = {"L": 1, "M": 0, "Q": 3, "H": 2}  # qrcode's numbers of the levels


def test_the_table_of_the_standard() -> None:
    for level, number in LEVELS.items():
        assert qr.BITS[level] == tuple(BIT_LIMIT_TABLE[number][1:]), level


@given(
    st.text("0123456789", min_size=1, max_size=500)
    | st.text("0123456789ABCXYZ $%*+-./:", min_size=1, max_size=500)
    | st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=500)
    | st.text("中文字é", min_size=1, max_size=300),
    st.sampled_from("LMQH"),
)
def test_the_size_is_the_one_that_an_encoder_finds(data: str, level: str) -> None:
    try:
        theirs = segno.make_qr(data.encode("utf-8"), error=level, boost_error=False).symbol_size(border=0)[0]
    except segno.DataOverflowError:
        with pytest.raises(ValueError, match="more than a QR code"):
            qr.side(data, level)
        return
    assert qr.side(data, level) == theirs


@given(
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=200),
    st.sampled_from("LMQH"),
)
def test_what_we_draw_is_never_larger(data: str, level: str) -> None:
    rows = modules(data, level)
    assert len(rows) <= qr.side(data, level)
    assert {len(row) for row in rows} == {len(rows)}
    assert rows[0].startswith("1111111")


def test_a_signed_code() -> None:
    assert [qr.side("C1:" + "A" * 116, level) for level in "LMQH"] == [37, 37, 45, 49]
    assert qr.side("https://q.example.cn/c/S0001", "M") == 29
