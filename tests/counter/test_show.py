"""The counter page's view: what is shown, what is not, and that it changes by itself."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from kiosk.clock import Trusted
from kiosk.counter import show as show_module
from kiosk.counter.dress import Dress
from kiosk.counter.opening import opening
from kiosk.counter.show import Show, Status, code
from kiosk.coupons.batch import Merchant
from kiosk.events import Event, HubLost, Outcome

from .world import CAPPED, HOME, NEVER, NOW, STORE, Counter, batch, put


class Page:
    """A view and who waits for it."""

    def __init__(self, counter: Counter) -> None:
        self.status = Status("ok", "ok", "ok", True)
        self.show = Show(counter.journal, counter.bus, counter.clock, counter.place, self._status, Dress())
        self.counter = counter

    async def _status(self) -> Status:
        return self.status

    async def after(self, seq: int) -> dict[str, Any]:
        async with asyncio.timeout(10):
            return await self.show.changed(seq)

    async def tell(self, event: Event) -> dict[str, Any]:
        seq = self.show.seq
        self.counter.bus.publish(event)
        return await self.after(seq)

    def shown(self) -> list[str]:
        return [b["stock_id"] for b in self.show.view["batches"]]


@pytest.fixture
async def page(counter: Counter) -> AsyncIterator[Page]:
    made = Page(counter)
    await made.show.start()
    yield made
    await made.show.stop()


async def test_the_view_is_the_stores(page: Page, counter: Counter) -> None:
    await counter.journal.apply("p2", [put("merchant", "merchant", Merchant("老王便利店"))])
    view = await page.after(1)
    assert (view["merchant"]["name"], view["store"], view["locale"]) == (
        "老王便利店",
        {"id": "S0001", "name": "老王便利店"},
        "zh_CN",
    )
    assert view["link"] == STORE.link
    assert view["qr"] == code(STORE.link)
    assert view["words"]["scan"] == "微信扫码领券"
    assert view["words"]["left"] == "剩{n}张"
    assert view["slip"] == {"enabled": True, "text": "按一下按钮，领一张小票券：满20减3"}
    ticket = view["batches"][0]
    assert (ticket["offer"], ticket["left"], ticket["period"]) == ("满20减3", None, "12月4日前有效")


async def test_only_what_runs_here_and_now_is_shown(page: Page, counter: Counter) -> None:
    assert page.shown() == ["CAP", "NEVER", "LEASE"]
    changes = [
        put("batch", "PAUSED", batch("PAUSED", 11, status="paused")),
        put("batch", "ENDED", batch("ENDED", 12, status="ended")),
        put("batch", "LATER", batch("LATER", 13, begins=NOW + timedelta(hours=1))),
        put("batch", "OVER", batch("OVER", 14, ends=NOW - timedelta(hours=1))),
        put("batch", "ELSE", batch("ELSE", 15, stores=("S0009",))),
        put("batch", "HERE", batch("HERE", 16, stores=("S0001",), stock=10, claimed=4)),
    ]
    await counter.journal.apply("p2", changes)
    view = await page.after(1)
    assert page.shown() == ["CAP", "NEVER", "LEASE", "HERE"]
    assert view["batches"][-1]["left"] == 6


async def test_a_batch_that_is_paused_leaves_at_once(page: Page, counter: Counter) -> None:
    seq = page.show.seq
    await counter.journal.apply(
        "p2", [put("batch", "CAP", msgspec.structs.replace(CAPPED, status="paused"), 2)]
    )
    await page.after(seq)
    assert page.shown() == ["NEVER", "LEASE"]


async def test_a_period_ends_by_itself(page: Page, counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show_module, "CHECK_S", 0.02)
    await page.tell(Outcome(kind="info", title="wake", until_s=9))
    seq = page.show.seq
    counter.clock.at = CAPPED.ends + timedelta(seconds=1)
    while page.shown():
        await page.after(seq)
        seq = page.show.seq
    assert page.show.view["slip"]["text"] == ""


async def test_a_batch_that_begins_comes_at_its_moment(
    page: Page, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(show_module, "CHECK_S", 1000.0)
    soon = batch("SOON", 21, begins=NOW + timedelta(seconds=0.2))
    await counter.journal.apply("p2", [put("batch", "SOON", soon)])
    await page.tell(Outcome(kind="info", title="a view without it", until_s=900))
    assert "SOON" not in page.shown()
    seq = page.show.seq
    counter.clock.at += timedelta(seconds=1)
    await page.after(seq)
    assert "SOON" in page.shown()


async def test_the_next_look_is_when_a_period_changes(counter: Counter) -> None:
    soon = batch("SOON", 21, begins=NOW + timedelta(seconds=3), ends=NOW + timedelta(seconds=9))
    assert show_module.next_change([CAPPED, soon, NEVER], NOW) == 3.0
    assert show_module.next_change([CAPPED, soon], NOW + timedelta(seconds=3)) == 6.0
    assert show_module.next_change([], NOW) == show_module.CHECK_S


async def test_the_latest_outcome_wins_and_times_out(
    page: Page, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(show_module, "CHECK_S", 0.02)
    first = await page.tell(Outcome(kind="busy", title="one", until_s=10, rid="a"))
    assert (first["outcome"]["title"], first["outcome"]["until_ms"]) == ("one", 10_000)
    second = await page.tell(
        Outcome(kind="refused", title="two", detail="why", rid="b", reason="used", until_s=5)
    )
    assert second["outcome"] == {
        "kind": "refused", "title": "two", "detail": "why", "hint": "", "reason": "used", "id": hashlib.sha256(b"b:two").hexdigest()[:16], "until_ms": 5000,
    }  # fmt: skip
    counter.clock.advance(4.9)
    seq = page.show.seq
    counter.bus.publish(HubLost(why="x"))
    counter.clock.advance(0.2)
    assert (await page.after(seq))["outcome"] is None


async def test_a_burst_of_events_is_one_view(page: Page, counter: Counter) -> None:
    seq = page.show.seq
    for n in range(100):
        counter.bus.publish(Outcome(kind="info", title=f"n{n}", until_s=9))
    view = await page.after(seq)
    assert view["outcome"]["title"] == "n99"
    assert page.show.seq - seq <= 2


async def test_nothing_new_is_no_new_view(page: Page, counter: Counter) -> None:
    seq = page.show.seq
    counter.bus.publish(HubLost(why="x"))
    view = await page.tell(Outcome(kind="info", title="now", until_s=9))
    assert view["seq"] == seq + 1


async def test_state_changes_are_shown(page: Page, counter: Counter) -> None:
    page.status = Status("pending", "no", "uncertain", False, "ABCD1234")
    view = await page.tell(HubLost(why="x"))
    assert view["status"] == {"hub": "pending", "printer": "no", "clock": "uncertain", "code": "ABCD1234"}
    assert view["words"]["pending"] == "等待云端接入，设备码 ABCD1234"
    assert view["slip"] == {"enabled": False, "text": "暂无小票券，请扫码领券"}


async def test_without_a_store_there_is_no_code(counter: Counter) -> None:
    counter.store = None
    page = Page(counter)
    await page.show.start()
    view = page.show.view
    await page.show.stop()
    assert (view["qr"], view["link"], view["store"]["id"]) == (None, "", "")


async def test_a_view_that_cannot_be_made_leaves_the_last_one(
    page: Page, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = asyncio.Event()
    monkeypatch.setattr(show_module.log, "exception", lambda *_: said.set())
    before = page.show.view
    store, counter.store = counter.store, msgspec.structs.replace(STORE, link="x" * 5000)
    counter.bus.publish(HubLost(why="x"))
    async with asyncio.timeout(10):
        await said.wait()
    assert page.show.view == before
    counter.store = store
    assert (await page.tell(Outcome(kind="info", title="again", until_s=9)))["outcome"]["title"] == "again"


async def test_the_view_names_no_slip_batch_among_the_tickets(page: Page) -> None:
    assert HOME.stock_id not in page.shown()


@pytest.mark.parametrize("certain", [True, False])
async def test_the_hours_are_said_while_the_day_is_certain(
    counter: Counter, certain: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = opening("00:10-00:05", {}, [f"{NOW + timedelta(days=3):%Y-%m-%d}"])
    page = Page(counter)
    page.show = Show(
        counter.journal, counter.bus, counter.clock, counter.place, page._status, Dress(opening=day)
    )
    if not certain:
        known = counter.clock.trusted()
        monkeypatch.setattr(counter.clock, "trusted", lambda: Trusted(known.at, None))
    await page.show.start()
    shop = page.show.view["shop"]
    assert shop["hours"] == ("营业 00:10–00:05" if certain else "")
    assert shop["notice"].endswith("休息") is certain
    await page.show.stop()
