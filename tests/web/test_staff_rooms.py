"""Coupons, records and devices: each button does what it says, and what waits for a decision is decided once."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest

from kiosk.counter import records
from kiosk.printing.printers.port import Status
from tests.web.rig import CAPPED, SLIP
from tests.web.test_staff import Staff, staff
from ui.money import local

__all__ = ["staff"]


async def test_slips_are_handed_out_and_counted(staff: Staff, tmp_path: Any) -> None:
    journal = staff.kiosk.daemon.journal
    before = await journal.pool_left(SLIP)
    _, told = await staff.do("hand-out", {"stock_id": SLIP, "n": 3})
    assert told == {"ok": True, "message": "已打印 3 张，共 3 张。"}
    assert len(list((tmp_path / "kiosk" / "slips").glob("*.png"))) == 3
    assert await journal.handed_out(staff.kiosk.daemon.clock.trusted().at - timedelta(minutes=5)) == 3
    assert before - await journal.pool_left(SLIP) <= 3
    (standing,) = [
        s for s in await records.standings(journal, staff.kiosk.daemon.clock) if s.batch.stock_id == SLIP
    ]
    assert standing.claimed == 3
    assert [a.what for a in await journal.acts()] == ["hand_out"] * 3


@pytest.mark.parametrize(
    "body", [{"stock_id": SLIP, "n": 0}, {"stock_id": SLIP, "n": 21}, {"stock_id": "../x"}, {"n": "1"}]
)
async def test_a_hand_out_that_makes_no_sense_is_one_sentence(staff: Staff, body: Any) -> None:
    status, told = await staff.do("hand-out", body)
    assert status == 400
    assert told["message"] == "终端看不懂这个页面的请求，请重新打开页面。"


async def test_what_can_be_handed_out_comes_first(staff: Staff) -> None:
    page = await staff.page(path="/staff/coupons")
    order = re.findall(r'<h2 id="b-([^"]+)"', page)
    assert (order[0], len(order) > 3) == (SLIP, True)


async def test_a_batch_of_no_slips_gives_none(staff: Staff) -> None:
    _, told = await staff.do("hand-out", {"stock_id": CAPPED})
    assert told == {"ok": False, "message": "该批次现在不发小票。 已打印 0 张，共 1 张。"}


async def test_a_hidden_batch_leaves_the_screen_and_the_button_and_comes_back(staff: Staff) -> None:
    for stock in (CAPPED, SLIP):
        assert (await staff.do("hide", {"stock_id": stock, "away": True}))[1]["ok"] is True
    await staff.kiosk.view(
        lambda v: CAPPED not in {b["stock_id"] for b in v["batches"]} and not v["slip"]["enabled"]
    )
    assert "恢复展示" in await staff.page(path="/staff/coupons")
    code = await staff.kiosk.issue(SLIP)
    assert (await staff.do("redeem", {"code": code}))[1]["verdict"] == "confirmed", (
        "customers keep their right"
    )
    for stock in (CAPPED, SLIP):
        assert (await staff.do("hide", {"stock_id": stock, "away": False}))[1]["ok"] is True
    await staff.kiosk.view(lambda v: CAPPED in {b["stock_id"] for b in v["batches"]} and v["slip"]["enabled"])


async def test_the_record_is_found_by_code_time_and_batch(staff: Staff) -> None:
    codes = [await staff.kiosk.issue(SLIP) for _ in range(2)]
    rids = [(await staff.do("redeem", {"code": c}))[1]["rid"] for c in codes]
    await staff.do("rollback", {"rid": rids[0]})
    page = await staff.page(path="/staff/records?code=" + _quoted(codes[1]))
    assert rids[1] in page
    assert rids[0] not in page
    keys = await records.keys_of(staff.kiosk.daemon.journal, codes[0])
    rows, _ = await staff.kiosk.daemon.journal.search(_ask(coupons=keys))
    assert [r.state for r in rows if r.kind == "redeem_record"] == ["rolled_back"]
    assert [r.kind for r in rows] == ["rollback", "redeem_record"], "its undoing is found by its code"
    assert {r.stock_id for r in rows} == {SLIP}, "also the undoing says of what"
    assert "rollback" in {
        r.kind for r in (await staff.kiosk.daemon.journal.search(_ask(coupons=(rids[0],))))[0]
    }
    assert rids[1] not in await staff.page(path="/staff/records?to=2020-01-01")
    assert rids[1] not in await staff.page(path=f"/staff/records?batch={CAPPED}")
    assert rids[1] in await staff.page(path=f"/staff/records?batch={SLIP}&person=店长")
    now = local(staff.kiosk.daemon.clock.trusted().at)
    for hours, there in ((-1, True), (1, False)):
        minute = f"{now + timedelta(hours=hours):%Y-%m-%dT%H:%M}"
        assert (rids[1] in await staff.page(path=f"/staff/records?from={minute}")) is there
        assert (rids[1] in await staff.page(path=f"/staff/records?to={minute}")) is not there
    assert rids[1] in await staff.page(path=f"/staff/records?to={now:%Y-%m-%dT%H:%M}"), "the whole minute"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("from=2020-13-01", "“2020-13-01”不是日期"),
        ("to=9999-12-31", "不是日期"),
        ("from=2026-11-25T25:00", "不是时间"),
        ("to=0001-01-01T00:00", "不是时间"),
        ("month=9999-12", "不是月份"),
        ("day=yesterday", "不是日期"),
    ],
)
async def test_a_time_that_is_none_is_a_sentence_and_a_way_on(staff: Staff, query: str, said: str) -> None:
    page = await staff.page(path=f"/staff/records?{query}")
    assert said in page
    assert "<nav" in page, "a way on"


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")


def _ask(**more: Any) -> Any:
    from kiosk.journal.search import Ask

    return Ask(**more)


async def test_pages_of_the_search_follow_each_other_without_gap(staff: Staff) -> None:
    for _ in range(5):
        await staff.do("redeem", {"code": await staff.kiosk.issue(SLIP)})
    journal = staff.kiosk.daemon.journal
    whole = [r.rid for r in (await journal.search(_ask()))[0]]
    parts, after = [], ""
    while True:
        rows, after = await journal.search(_ask(after=after), limit=2)
        parts += [r.rid for r in rows]
        if not after:
            break
    assert parts == whole
    assert len(whole) == 5


async def test_day_and_month_as_csv(staff: Staff) -> None:
    await staff.do("redeem", {"code": await staff.kiosk.issue(SLIP)})
    today = local(staff.kiosk.daemon.clock.trusted().at).date()
    for path, name in (
        (f"day.csv?day={today}", f"day-{today}.csv"),
        ("month.csv", f"month-{today:%Y-%m}.csv"),
    ):
        async with staff.browser.get(
            f"{staff.kiosk.url}/staff/{path}", headers={"Accept-Language": "zh-CN"}
        ) as answer:
            assert name in answer.headers["Content-Disposition"]
            raw = await answer.read()
        assert raw.startswith(b"\xef\xbb\xbf"), "Excel reads it as Chinese"
        head, *rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"))))
        assert head[:2] == ["日期", "批次号"]
        assert [(r[0], r[1].strip(), r[4], r[5]) for r in rows] == [(str(today), SLIP, "1", "3")]


async def test_a_past_day_outlives_its_rows_also_on_paper(staff: Staff) -> None:
    journal, clock = staff.kiosk.daemon.journal, staff.kiosk.daemon.clock
    await staff.do("redeem", {"code": await staff.kiosk.issue(SLIP)})
    past = clock.trusted().at - timedelta(days=2)
    await journal._db.run(
        lambda db: db.execute("UPDATE item SET at = ?", (past.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),)).rowcount
    )
    await records.keep_days(journal, clock)
    await journal._db.run(lambda db: db.execute("DELETE FROM item").rowcount)
    day = local(past).date()
    assert [(r.stock_id, r.redeemed, r.value) for r in await records.day_rows(journal, day)] == [
        (SLIP, 1, 300)
    ]
    await records.keep_days(journal, clock)
    assert len(await records.day_rows(journal, day)) == 1, "a day without rows takes nothing back"
    assert (await staff.do("day-slip", {"day": day.isoformat()}))[1]["ok"] is True
    (job,) = await journal.jobs()
    paper = bytes(job.slip).decode()
    assert day.isoformat() in paper
    assert "回头客满20减3" in paper
    assert (await staff.do("day-slip", {"day": "2026-13-01"}))[0] == 400


async def test_a_look_at_the_month_writes_nothing_and_the_file_is_exact(staff: Staff) -> None:
    journal, clock = staff.kiosk.daemon.journal, staff.kiosk.daemon.clock
    rid = (await staff.do("redeem", {"code": await staff.kiosk.issue(SLIP)}))[1]["rid"]
    past = clock.trusted().at - timedelta(days=5)
    stamp = past.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    await journal._db.run(lambda db: db.execute("UPDATE item SET at = ?", (stamp,)).rowcount)
    month = local(past).date().replace(day=1)
    await records.keep_days(journal, clock)
    writes: list[str] = []
    keep_day = journal.keep_day

    async def noted(day: str, rows: Any) -> None:
        writes.append(day)
        await keep_day(day, rows)

    journal.keep_day = noted  # type: ignore[method-assign]
    assert "回头客满20减3" in await staff.page(path=f"/staff/records?month={month:%Y-%m}")
    await records.keep_days(journal, clock)
    assert writes == [], "a look is no write, and what is kept already is not written again"
    await staff.do("rollback", {"rid": rid})
    (row,) = [r for d, r in await records.month_rows(journal, clock, month) if r.stock_id == SLIP]
    assert (row.redeemed, writes) == (0, [local(past).date().isoformat()])


def test_a_name_cannot_become_a_formula() -> None:
    told = records.as_csv(["a"], [["=1+1"], ["@x"], [-5], ["好"]]).decode("utf-8-sig").splitlines()
    assert told == ["a", "'=1+1", "'@x", "-5", "好"]


async def test_devices_say_how_they_are_and_what_to_do(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    spooler = staff.kiosk.daemon.spooler
    (printer,) = spooler.printers

    async def out() -> Status:
        return Status("out")

    with monkeypatch.context() as patched:
        patched.setattr(printer, "status", out)
        _, told = await staff.do("look-again")
        assert told == {"ok": False, "message": "仍未就绪：paper。"}
        page = await staff.page(path="/staff/devices")
    for words in ("缺纸", "请装上新纸卷", "在此之前打不出小票"):
        assert words in page
    assert (await staff.do("look-again"))[1]["message"] == "小票机全部正常。"
    assert (await staff.do("test-printer", {"name": "paper"}))[1] == {"ok": True, "message": "paper: 已打印"}
    assert (await staff.do("test-printer", {"name": "gone"}))[1]["ok"] is False
    assert (await staff.do("status-slip"))[1]["ok"] is True
    assert (await staff.do("reload-page"))[1]["ok"] is True
