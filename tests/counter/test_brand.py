"""Any colour of a merchant gives a page that can be read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kiosk.counter.brand import INK, READABLE, WHITE, colours, contrast, rgb


def test_contrast_is_that_of_the_standard() -> None:
    assert round(contrast((0, 0, 0), WHITE), 1) == 21.0
    assert round(contrast(rgb("#777777"), WHITE), 2) == 4.48
    assert colours("") == {}


@given(st.integers(0, 0xFFFFFF))
def test_letters_can_be_read_on_every_colour(value: int) -> None:
    made = {name: rgb(text) for name, text in colours(f"#{value:06x}").items()}
    assert contrast(made["--on-brand"], made["--panel"]) >= READABLE or made["--on-brand"] == INK
    assert contrast(made["--brand"], made["--tint"]) >= READABLE
    assert contrast(made["--brand"], WHITE) >= READABLE
