"""The slips that a shop needs: what each must say, in both languages, on both papers, however long the names are."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
import zxingcpp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image

from kiosk.coupons import code as codes
from kiosk.coupons.batch import Batch, Hours, Merchant, Store
from kiosk.coupons.record import PoolCode
from kiosk.printing import feie, plain, png, templates, yilianyun
from kiosk.printing.profiles import PROFILES, Profile
from kiosk.printing.slip import Cut, Drawer, Slip, Text, parse_slip
from tests.printing.made import P58, P80, printed, slip
from tests.printing.test_png import paper

NOW = datetime(2026, 11, 25, 1, 30, tzinfo=UTC)
SIGNED = codes.sign(Ed25519PrivateKey.generate(), slot=0, batch=7, serial=12345, not_after=date(2027, 10, 31))
CODE = PoolCode("7-12345", SIGNED, "A1B2C3D4E5F6")
SHOP = Merchant("老王便利店", "老王便利")
STORE = Store("kjy-south", "科技园南区店", "科技园南区 8 栋 101", link="https://q.example.cn/c/S0001")
LONG = Merchant("深圳市南山区阳光精品水果连锁超市（科技园旗舰店）")
LONG_STORE = Store(
    "a",
    "科技园南区腾讯滨海大厦负一层美食广场店",
    "南山区海天二路 33 号",
    link="https://q.example.cn/c/" + "A" * 40,
)
LOCALES = ["zh_CN", "en"]


def batch(**changed: object) -> Batch:
    given: dict[str, object] = {
        "stock_id": "HK-SLIP-0001", "product": "slip_coupon", "name": "回头客满20减3", "value": 300, "threshold": 2000,
        "begins": datetime(2026, 10, 31, 16, tzinfo=UTC), "ends": datetime(2027, 10, 31, 15, 59, tzinfo=UTC),
    }  # fmt: skip
    return Batch(**{**given, **changed})  # type: ignore[arg-type]


def every(locale: str) -> Iterator[tuple[str, Slip]]:
    """Return every slip, plain and with the longest fields."""
    uses = [
        templates.ConflictUse(STORE.name, "k-1", NOW),
        templates.ConflictUse(LONG_STORE.name, "k-" + "9" * 30, NOW),
    ]
    lines = [
        templates.DayLine("回头客满20减3", 40, 12, 3600, 1, 0),
        templates.DayLine("长" * 60, 99999, 99999, 100_000_000, 999, 99),
    ]
    hard = batch(
        name="兑" * 60,
        kind="exchange",
        value=0,
        threshold=0,
        weekdays=(1, 3, 5),
        hours=(Hours("07:00", "10:00"), Hours("11:00", "23:00")),
    )
    rich = batch(value=100_000_000, threshold=100_000_000, stores=("a",), weekdays=(1, 2, 3, 4, 5, 6, 7))
    yield "coupon", templates.coupon_slip(SHOP, STORE, batch(), CODE, locale)
    yield "coupon long", templates.coupon_slip(LONG, LONG_STORE, rich, CODE, locale)
    yield "coupon gift", templates.coupon_slip(SHOP, STORE, hard, CODE, locale)
    yield "coupon bare", templates.coupon_slip(None, None, batch(), CODE, locale)
    yield "claim", templates.claim_slip(SHOP, STORE, locale)
    yield "claim long", templates.claim_slip(LONG, LONG_STORE, locale)
    yield (
        "receipt",
        templates.receipt_slip(STORE, batch(), "7M2Q9XABCDEFGHJKMNPQRSTV", "confirmed", NOW, locale),
    )
    yield "receipt bare", templates.receipt_slip(None, None, "7M2Q9X", "offline", NOW, locale)
    yield "conflict", templates.conflict_slip(batch(), "A1B2C3D4E5F6", uses, 300, locale)
    yield "day", templates.day_slip(STORE.name, "2026-11-24", lines, locale)
    yield "day empty", templates.day_slip("", "2026-11-24", [], locale)
    yield "self-test", templates.self_test_slip("counter", NOW, locale)
    yield "self-test 80", templates.self_test_slip("a printer with a very long name " * 2, NOW, locale, P80)
    yield (
        "status",
        templates.status_slip("kiosk-7M2Q9X", [("IP", "192.168.1.20"), ("a long name", "x" * 90)], locale),
    )
    yield "enrolment", templates.enrolment_slip("K7M2Q9XA", "https://hub.example.cn/", locale)
    yield "copy", templates.as_copy(templates.coupon_slip(SHOP, STORE, batch(), CODE, locale), NOW, locale)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
def test_nothing_is_cut_lost_or_degraded_on_any_paper(profile: Profile, locale: str) -> None:
    for name, made in every(locale):
        if name == "self-test 80" and profile.width_dots < 576:
            continue
        report = png.render(made, profile).report
        assert report.lost == (), name
        assert report.degraded == (), name
        assert parse_slip(_json(made)) == made, name


def _json(made: Slip) -> bytes:
    import msgspec

    return msgspec.json.encode(made)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("profile", [P58, P80], ids=lambda p: p.name)
def test_a_printer_makes_of_each_what_the_preview_shows(profile: Profile, locale: str) -> None:
    from kiosk.printing import escpos

    for name, made in every(locale):
        if name == "self-test 80" and profile.width_dots < 576:
            continue
        told = printed(escpos.render(made, profile).data, profile.width_dots)
        assert told.errors == [], name


@pytest.mark.parametrize("locale", LOCALES)
def test_each_fits_the_clouds(locale: str) -> None:
    for name, made in every(locale):
        order = feie.render(made, P58)
        assert order.report.lost == (), name
        assert len(order.data) <= feie.CAN.most, name
        text = yilianyun.render(made, P58)
        assert text.report.lost == (), name


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("profile", [P58, P80, PROFILES["graphic-safe"]], ids=lambda p: p.name)
def test_the_codes_of_the_coupon_slip_decode_to_the_coupon(profile: Profile, locale: str) -> None:
    made = templates.coupon_slip(LONG, STORE, batch(), CODE, locale)
    with Image.open(io.BytesIO(png.render(made, profile).data)) as preview:
        sheets = [preview.convert("L"), paper(made, profile).convert("L")]
    for sheet in sheets:
        read = {c.format: c for c in zxingcpp.read_barcodes(sheet)}
        qr = read[zxingcpp.BarcodeFormat.QRCode]
        assert qr.text == SIGNED
        assert qr.ec_level == "M"
        assert read[zxingcpp.BarcodeFormat.Code128].text == CODE.short
        side = qr.position.top_right.x - qr.position.top_left.x
        assert side >= 37 * 5, "modules of 5 dots and more"
    read_code = codes.read(SIGNED)
    assert isinstance(read_code, codes.Signed)
    assert read_code.code.coupon == CODE.coupon


@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_a_phone_reads_the_coupon_from_paper_that_is_no_screen(spread: float) -> None:
    """Ink that spreads by half a dot, a little blur, paper that is grey: facts printing 4.1."""
    from PIL import ImageFilter

    sheet = paper(templates.coupon_slip(SHOP, STORE, batch(), CODE, "zh_CN"), P58).convert("L")
    big = sheet.resize((sheet.width * 4, sheet.height * 4), Image.Resampling.NEAREST)
    if spread:
        big = big.filter(ImageFilter.MinFilter(2 * round(spread * 4) + 1))
    seen = (
        big.rotate(4, expand=True, fillcolor=255)
        .resize((sheet.width * 2, sheet.height * 2))
        .filter(ImageFilter.GaussianBlur(2))
    )
    found = [c.text for c in zxingcpp.read_barcodes(seen.point(lambda v: 60 + v * 150 // 255))]
    assert SIGNED in found


def text(made: Slip) -> str:
    return plain.render(made, P58).data.decode()


def test_the_coupon_slip_says_everything() -> None:
    shown = text(templates.coupon_slip(SHOP, STORE, batch(), CODE, "zh_CN"))
    for wanted in (
        "老王便利店",
        "科技园南区店",
        "立减3元",
        "满20元可用",
        "2026.11.1 - 2027.10.31",
        "全部门店通用",
        "A1B2 C3D4 E5F6",
        "限用一次",
        SIGNED,
    ):
        assert wanted in shown, wanted
    assert shown.count("A1B2 C3D4 E5F6") == 1
    shown = text(templates.coupon_slip(SHOP, STORE, batch(), CODE, "en"))
    for wanted in ("￥3 off", "Spend ￥20 or more", "1 Nov 2026 - 31 Oct 2027", "All our stores", "One"):
        assert wanted in shown, wanted


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ({"threshold": 0}, ["立减3元", "无门槛"]),
        ({"value": 1250}, ["立减12.5元"]),
        ({"kind": "exchange", "name": "豆浆兑换券", "value": 0, "threshold": 0}, ["豆浆兑换券", "免费兑换"]),
        ({"weekdays": (1, 2, 3, 4, 5)}, ["周一至周五"]),
        ({"weekdays": (6, 7)}, ["周六 周日"]),
        ({"hours": (Hours("10:00", "14:00"),)}, ["10:00-14:00"]),
        ({"stores": ("kjy-south",)}, ["科技园南区店 科技园南区"]),
        ({"stores": ("kjy-south", "b", "c")}, ["科技园南区店及另外2家"]),
        ({"stores": ("x", "y")}, ["指定的2家门店"]),
        ({"ends": datetime(2026, 11, 1, 10, tzinfo=UTC)}, ["2026.11.1\n"]),
    ],
)
def test_the_rule_of_the_batch_is_on_the_slip(changed: dict[str, object], wanted: list[str]) -> None:
    shown = text(templates.coupon_slip(SHOP, STORE, batch(**changed), CODE, "zh_CN"))
    for part in wanted:
        assert part in shown, shown


def test_stores_that_are_known_are_named() -> None:
    others = [STORE, *(Store(i, f"{i}号店") for i in "bcde")]
    shown = text(
        templates.coupon_slip(
            SHOP, STORE, batch(stores=("kjy-south", "b", "c", "d", "e")), CODE, "zh_CN", stores=others
        )
    )
    assert "科技园南区店、b号店、c" in shown
    assert "另外2家" in shown.replace("\n", "").replace(" ", "")


def test_the_receipt_claims_no_more_than_there_is() -> None:
    assert "云端已确认" in text(templates.receipt_slip(STORE, batch(), "R1", "confirmed", NOW, "zh_CN"))
    offline = text(templates.receipt_slip(STORE, batch(), "R1", "offline", NOW, "zh_CN"))
    assert "已按规则本机受理" in offline
    assert "云端已确认" not in offline
    assert "2026.11.25 09:30" in offline, "the shop's time, not UTC"


def test_the_day_report_adds_up() -> None:
    lines = [templates.DayLine("甲", 1, 2, 300, 4, 5), templates.DayLine("乙", 10, 20, 3050, 40, 50)]
    shown = text(templates.day_slip("店", "2026-11-24", lines, "zh_CN")).splitlines()
    assert [" ".join(s.split()) for s in shown if s.split()[:1] == ["11"]] == ["11 22 44 55"]
    assert "￥33.5" in "".join(s for s in shown if "合计" in s)
    assert any("签字" in s for s in shown)


def test_the_conflict_notice_names_kiosks_times_and_value() -> None:
    uses = [
        templates.ConflictUse("甲店", "k-1", NOW),
        templates.ConflictUse("乙店", "k-2", NOW.replace(hour=3)),
    ]
    shown = text(templates.conflict_slip(batch(), "A1B2C3D4E5F6", uses, 300, "zh_CN"))
    for wanted in (
        "甲店",
        "乙店",
        "k-1",
        "k-2",
        "2026.11.25 09:30",
        "2026.11.25 11:30",
        "￥3",
        "A1B2 C3D4 E5F6",
    ):
        assert wanted in shown, wanted


def test_a_copy_is_marked_and_opens_no_drawer() -> None:
    first = slip(Text(text="a"), Drawer(), Cut())
    made = templates.as_copy(first, NOW, "zh_CN")
    assert not any(isinstance(e, Drawer) for e in made.elements)
    assert isinstance(made.elements[-1], Cut)
    shown = text(made)
    assert "补打 2026.11.25 09:30" in shown
    assert shown.index("补打") > shown.index("a")


def test_a_copy_carries_the_same_code() -> None:
    first = templates.coupon_slip(SHOP, STORE, batch(), CODE, "zh_CN")
    sheet = paper(templates.as_copy(first, NOW, "zh_CN"), P58).convert("L")
    assert {c.text for c in zxingcpp.read_barcodes(sheet)} == {SIGNED, CODE.short}


def test_the_self_test_fills_the_paper_exactly() -> None:
    for profile in (P58, P80):
        made = png.render(templates.self_test_slip("p", NOW, "en", profile), profile)
        shown = (
            plain.render(templates.self_test_slip("p", NOW, "en", profile), profile)
            .data.decode()
            .splitlines()
        )
        assert ("1234567890" * 8)[: profile.columns] in shown
        assert made.report.degraded == ()


def test_a_logo_stands_first_where_there_is_one() -> None:
    made = templates.coupon_slip(SHOP, STORE, batch(), CODE, "en", logo="store")
    assert type(made.elements[0]).__name__ == "Logo"
    assert not any(
        type(e).__name__ == "Logo" for e in templates.coupon_slip(SHOP, STORE, batch(), CODE, "en").elements
    )
