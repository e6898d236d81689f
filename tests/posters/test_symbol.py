from __future__ import annotations

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from posters.errors import RefusedError
from posters.symbol import QUIET_MODULES, Symbol, checked_url, encode, merged

URLS = st.text(st.sampled_from("abcXYZ0189-_/"), max_size=90).map(lambda path: f"https://q.cn/{path}")


@given(URLS)
def test_the_symbol_is_level_q_and_no_larger_than_another_encoder_makes_it(url: str) -> None:
    symbol = encode(url)
    assert symbol.level == "Q"
    assert symbol.version <= segno.make_qr(url, error="q", mode="byte", boost_error=False).version


@pytest.mark.parametrize(("length", "version"), [(20, 2), (32, 3), (33, 4), (46, 4), (60, 5)])
def test_the_budget_keeps_version_3(length: int, version: int) -> None:
    url = "https://q.cn/"
    assert encode(url + "x" * (length - len(url))).version == version


@given(URLS)
def test_rectangles_cover_the_dark_modules_exactly_once(url: str) -> None:
    symbol = encode(url)
    count = [[0] * symbol.modules for _ in range(symbol.modules)]
    for x, y, w, h in merged(symbol):
        for row in range(y, y + h):
            for column in range(x, x + w):
                count[row][column] += 1
    assert [[bool(n) for n in row] for row in count] == [list(row) for row in symbol.rows]
    assert max(max(row) for row in count) == 1


def test_rectangles_are_merged() -> None:
    solid = Symbol("", "Q", 1, ((True, True), (True, True)))
    assert merged(solid) == [(0, 0, 2, 2)]
    symbol = encode("https://q.example.cn/c/S0001")
    assert len(merged(symbol)) < sum(map(sum, symbol.rows)) * 0.6
    assert QUIET_MODULES == 4


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "q.example.cn/c/1",
        "ftp://q.cn/1",
        "https://",
        "https:///c/1",
        "https://q .cn",
        "https://店.cn/1",
        "HTTPS://Q.CN/1",
        "javascript:alert(1)",
        "https://q.cn:99999/",
        "https://[::1",
        "https://a..cn/",
        "https://q.cn/" + "x" * 500,
    ],
)
def test_an_address_no_phone_opens_is_refused(bad: str) -> None:
    with pytest.raises(RefusedError) as caught:
        checked_url(bad)
    assert caught.value.where == "url"


@pytest.mark.parametrize(
    "good", ["https://q.example.cn/c/S0001", "http://192.168.1.5:8090/c/1", "https://q.cn/?a=1&b=%E5%BA%97"]
)
def test_a_good_address_stays_as_it_is(good: str) -> None:
    assert checked_url(good) == good
