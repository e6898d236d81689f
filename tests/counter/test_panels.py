"""Small displays follow the view; one that breaks takes no other with it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kiosk.counter.panels import Panels, what

VIEW: dict[str, Any] = {
    "seq": 1,
    "locale": "en",
    "link": "https://q.example.test/c/S0001",
    "merchant": {"name": "老王便利店"},
    "words": {"scan": "微信扫码领券"},
    "outcome": None,
}
USED = {"kind": "refused", "title": "此券已使用过", "detail": "今天 12:00", "hint": ""}


class Show:
    """Gives out the views of the test, one after another."""

    def __init__(self) -> None:
        self.views: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def changed(self, seq: int) -> dict[str, Any]:
        return await self.views.get()


class Display:
    def __init__(self, breaks: bool = False) -> None:
        self.shown: asyncio.Queue[tuple[str, tuple[str, ...]]] = asyncio.Queue()
        self.breaks = breaks

    def show_code(self, data: str, lines: tuple[str, ...]) -> None:
        if self.breaks:
            raise OSError("unplugged")
        self.shown.put_nowait((data, lines))


def test_an_outcome_takes_the_place_of_the_invitation() -> None:
    assert what(VIEW) == (VIEW["link"], ("老王便利店", "微信扫码领券"))
    assert what({**VIEW, "outcome": USED}) == (VIEW["link"], ("此券已使用过", "今天 12:00"))
    assert what({**VIEW, "link": "", "merchant": {"name": ""}}) == ("", ("微信扫码领券",))


def test_a_sentence_without_room_on_a_pole_has_the_short_text_of_its_kind_before_it() -> None:
    long = {
        "kind": "retry",
        "title": "Cannot check right now. Your coupon stays valid",
        "detail": "",
        "hint": "",
    }
    assert what({**VIEW, "outcome": long})[1] == ("Please try again", long["title"])
    assert what({**VIEW, "locale": "zh_CN", "outcome": long})[1][0] == "请再试一次"
    assert what({**VIEW, "outcome": {**long, "kind": "info"}})[1] == (long["title"],)


async def test_displays_follow_and_are_told_only_what_changed(caplog: pytest.LogCaptureFixture) -> None:
    show, good = Show(), Display()
    panels = Panels(show, [Display(breaks=True), good])  # type: ignore[arg-type]
    await panels.start()
    try:
        for n, outcome in enumerate([None, None, USED, None]):
            show.views.put_nowait({**VIEW, "seq": n, "outcome": outcome})
        async with asyncio.timeout(10):
            lines = [(await good.shown.get())[1][0] for _ in range(3)]
        assert lines == ["老王便利店", "此券已使用过", "老王便利店"]
        assert good.shown.empty()
        assert caplog.text.count("a display could not be given the view") == 3
    finally:
        await panels.stop()


async def test_without_displays_there_is_nothing_to_follow() -> None:
    show = Show()
    panels = Panels(show, [])  # type: ignore[arg-type]
    await panels.start()
    show.views.put_nowait(VIEW)
    await asyncio.sleep(0)
    assert show.views.qsize() == 1
    await panels.stop()
