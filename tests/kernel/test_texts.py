"""Every sentence of the kiosk is said in Chinese, with the same places, and no translation is for nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest

from kiosk.counter import words
from kiosk.coupons.batch import Batch
from kiosk.coupons.verdict import FirstUse, Reason
from ui import catalog
from ui.texts import LOCALES

NOW = datetime(2026, 11, 24, 4, 5, tzinfo=UTC)
BATCH = Batch(
    stock_id="S1", product="slip_coupon", name="满20减3", value=300, threshold=2000, begins=NOW, ends=NOW
)
REASONS = [r for r in get_args(Reason) if r]


def test_the_kiosk_says_everything_in_chinese() -> None:
    assert catalog.missing(["kiosk", "ui"]) == []
    assert len(catalog.used("kiosk")) > 100


def test_a_stand_has_one_name() -> None:
    """The glossary calls it 码牌."""
    (po,) = (Path(catalog.__file__).parents[1] / "kiosk/locale").rglob("kiosk.po")
    assert "台卡" not in po.read_text("utf-8")


def test_the_compiled_catalog_is_fresh() -> None:
    assert [po.name for po in catalog.stale() if po.name in ("kiosk.po", "ui.po")] == []


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str, str], list[str]]:
    """A package of its own: source, template, catalog -> what is missing."""
    root = tmp_path / "shopfront"
    (root / "locale/zh_CN/LC_MESSAGES").mkdir(parents=True)
    (root / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "shopfront", raising=False)
    monkeypatch.setattr(catalog, "MARKED", ("ui", "shopfront"))

    def check(source: str, template: str, po: str) -> list[str]:
        (root / "said.py").write_text(source)
        (root / "page.jinja").write_text(template)
        (root / "locale/zh_CN/LC_MESSAGES/shopfront.po").write_text(po)
        return catalog.missing(["shopfront"])

    return check


HEAD = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'


def test_a_sentence_without_chinese_is_named_with_its_place(
    package: Callable[[str, str, str], list[str]],
) -> None:
    assert package('x = t("Good day")\n', "<p>\n{{ _('Come in') }}</p>", HEAD) == [
        'shopfront/page.jinja:2: "Come in" has no Chinese',
        'shopfront/said.py:1: "Good day" has no Chinese',
    ]


def test_a_marked_sentence_of_a_table_counts(package: Callable[[str, str, str], list[str]]) -> None:
    assert package('x = {"a": N_("Good day")}\n', "", HEAD) == [
        'shopfront/said.py:1: "Good day" has no Chinese'
    ]


def test_other_places_and_stale_sentences_are_named(package: Callable[[str, str, str], list[str]]) -> None:
    po = HEAD + '\nmsgid "{n} left"\nmsgstr "剩{m}张"\n\nmsgid "Gone"\nmsgstr "没了"\n'
    assert package('x = t("{n} left", n=1)\n', "", po) == [
        'shopfront.po: "{n} left" and "剩{m}张" have different places',
        'shopfront.po: "Gone" is said nowhere',
    ]


def test_a_sentence_of_the_shared_catalog_needs_no_second_one(
    package: Callable[[str, str, str], list[str]],
) -> None:
    assert package('x = t("exchange coupon")\n', "", HEAD) == []


# -- the words of a verdict --


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_has_a_sentence_for_staff_and_one_for_the_customer(reason: Reason, locale: str) -> None:
    first = FirstUse("老王便利店", NOW)
    staff = words.for_staff(reason, locale, NOW, BATCH, first)
    customer = words.for_customer(reason, locale, NOW, BATCH)
    for told in (staff, customer):
        assert told
        assert "{" not in told
        assert any("一" <= char <= "鿿" for char in told.replace(first.store, "")) == (locale == "zh_CN")


def test_a_used_coupon_names_when_and_where() -> None:
    first = FirstUse("老王便利店", NOW)
    assert words.for_staff("used", "zh_CN", NOW, BATCH, first) == "此券已于今天 12:05在老王便利店核销。"
    assert words.for_staff("used", "en", NOW, BATCH, first) == "Already used: 老王便利店, today 12:05."
    assert words.for_staff("used", "zh_CN", NOW, BATCH) == "此券已核销。"


def test_the_threshold_that_nobody_checked_is_a_hint() -> None:
    assert words.check_hint(BATCH, "zh_CN") == "满20元可用，请核对"
    assert words.check_hint(BATCH, "en") == "Valid from ¥20, please check"
