"""The console redeems: asked for a total only where there is a threshold, never twice, in three certainties."""

from __future__ import annotations

from tests.web.rig import CAPPED, NEVER, SLIP
from tests.web.test_staff import Staff, staff

__all__ = ["staff"]


async def test_the_total_is_asked_for_where_the_batch_has_a_threshold(staff: Staff) -> None:
    _, told = await staff.do("look", {"code": await staff.kiosk.issue(SLIP)})
    assert (told["total"], told["batch"]) == ("asked", "回头客满20减3")
    for nothing in ("NOTACODE", "134567890123456789"):
        assert (await staff.do("look", {"code": nothing}))[1]["total"] == "no"
    journal = staff.kiosk.daemon.journal
    assert await journal.recent() == [], "looking redeems nothing"


async def test_a_double_click_redeems_once(staff: Staff) -> None:
    body = {"code": await staff.kiosk.issue(SLIP), "request_no": "R1"}
    _, first = await staff.do("redeem", body)
    _, second = await staff.do("redeem", body)
    assert (first["rid"], first["verdict"]) == (second["rid"], "confirmed")
    assert [a.state for a in await staff.kiosk.daemon.journal.recent()] == ["recorded"]


async def test_who_and_when_on_refusal(staff: Staff) -> None:
    code = await staff.kiosk.issue(SLIP)
    await staff.do("redeem", {"code": code})
    _, told = await staff.do("redeem", {"code": code})
    assert (told["verdict"], told["title"]) == ("refused", "未受理")
    assert "科技园南区店" in told["why"]
    assert "今天" in told["why"]


async def test_with_the_hub_away_it_says_so_and_claims_no_more(staff: Staff) -> None:
    hub = staff.kiosk.hub
    assert hub is not None
    capped, never = await staff.kiosk.issue(CAPPED), await staff.kiosk.issue(NEVER)
    await staff.kiosk.view(lambda v: next(b for b in v["batches"] if b["stock_id"] == NEVER)["claimed"] == 1)
    await hub.stop()
    await staff.kiosk.view(lambda v: v["status"]["hub"] == "offline")
    _, told = await staff.do("redeem", {"code": capped})
    assert (told["verdict"], told["title"], told["why"]) == ("offline", "已按规则本机受理", "")
    _, told = await staff.do("redeem", {"code": never})
    assert (told["verdict"], told["title"]) == ("refused", "未受理")
    assert "有效" in told["why"]
    assert "云端未连接" in await staff.page()
