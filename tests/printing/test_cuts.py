"""A name or a text that had to be cut shows it, and every report says so: nothing is dropped silently."""

from __future__ import annotations

import msgspec
import pytest

from kiosk.printing import templates
from kiosk.printing.render import render
from kiosk.printing.slip import Text, bounded
from tests.printing.made import P58, slip
from tests.printing.test_templates import CODE, NOW, STORE, batch, text

NAME = "很长的店名" * 20


@pytest.mark.parametrize("to", ["escpos", "feie", "yilianyun", "png", "text"])
def test_a_name_that_was_cut_is_in_the_report_of_every_form(to: str) -> None:
    where = msgspec.structs.replace(STORE, name=NAME)
    made = {
        "coupon": templates.coupon_slip(
            None, where, batch(stores=(where.id,)), CODE, "zh_CN", stores=[where]
        ),
        "claim": templates.claim_slip(None, where, "zh_CN"),
        "receipt": templates.receipt_slip(where, batch(), "R1", "offline", NOW, "zh_CN"),
        "conflict": templates.conflict_slip(
            batch(), "C", [templates.ConflictUse(NAME, "k", NOW)], 300, "zh_CN"
        ),
        "day": templates.day_slip(NAME, "2026-11-24", [], "zh_CN"),
        "pairing": templates.pairing_slip("https://kiosk.example/p", NAME, "zh_CN"),
    }
    for kind, slip_ in made.items():
        told = [n for n in render(slip_, to, P58).report.degraded if "100 characters, 60 are printed" in n]
        assert len(told) == 1, kind
        assert "\u2026" in text(slip_)


def test_a_name_that_fits_is_in_no_report() -> None:
    where = msgspec.structs.replace(STORE, name="店" * 60)
    assert templates.claim_slip(None, where, "zh_CN").notes == ()


def test_a_text_that_was_cut_is_in_the_report_of_the_slip_that_is_kept() -> None:
    made, told = bounded(slip(Text(text="长" * 10_000)))
    assert made.notes == told
    assert told[0] in render(made, "feie", P58).report.degraded
    assert bounded(made) == (made, ()), "once is enough"
