"""The glass is watched: what is noticed, what is done, when it sleeps."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kiosk.clock import ManualClock
from kiosk.counter.glass import Glass
from kiosk.counter.screen_watch import COVERED_S, KEEPER_S, Report, ScreenWatch
from kiosk.events import Bus
from kiosk.journal.errors import JournalError
from kiosk.journal.store import Journal

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)

LINK = "https://q.example.cn/c/S0001"
QR = {"modules": ["101", "010", "111"]}


class Bench:
    def __init__(self, journal: Journal, clock: ManualClock) -> None:
        self.clock, self.open, self.reloads, self.repaints = clock, True, 0, 0
        self.glass = Glass(clock, lambda: QR)
        self.watch = ScreenWatch(
            self.glass,
            journal,
            clock,
            open_now=lambda: self.open,
            link=lambda: LINK,
            reload=self._reload,
            repaint=self._repaint,
        )
        self.frame = 0

    def _reload(self) -> None:
        self.reloads += 1

    def _repaint(self) -> None:
        self.repaints += 1

    def page(self, bits: str = "101010111", **more: Any) -> None:
        self.frame += 1
        self.glass.report(bits, self.frame, more.get("visible", True))

    async def after(self, seconds: float, **page: Any) -> str | None:
        """Let time pass in steps of a second, the page reporting as it would every five; return the first rung taken."""
        for n in range(int(seconds)):
            self.clock.advance(1)
            if page and n % 5 == 0:
                self.page(**page)
            if (rung := await self.watch.look()) is not None:
                return rung
        return None


@pytest.fixture
async def bench(tmp_path: Path):  # type: ignore[no-untyped-def]
    clock = ManualClock(NOW)
    journal = Journal(tmp_path, clock, Bus())
    await journal.start()
    yield Bench(journal, clock)
    await journal.stop()


async def test_a_right_page_is_left_alone(bench: Bench) -> None:
    assert await bench.after(300, bits="101010111") is None
    assert bench.reloads == 0


@pytest.mark.parametrize("bits", ["111111111", "", "000000000"])
async def test_a_wrong_page_is_reloaded_within_30_s(bench: Bench, bits: str) -> None:
    bench.page()
    assert await bench.after(30, bits=bits) == "reload"
    assert bench.reloads == 1


async def test_a_page_that_stops_to_report_is_noticed_within_30_s(bench: Bench) -> None:
    bench.page()
    assert await bench.after(30) == "reload"


async def test_a_browser_that_hangs_is_restarted_by_the_keeper_then_the_compositor(bench: Bench) -> None:
    bench.page()
    taken = []
    order = []
    for _ in range(120):
        bench.clock.advance(1)
        if said := bench.watch.hear(Report(connector="on")):
            order.append(said)
        if rung := await bench.watch.look():
            taken.append(rung)
    assert taken[:4] == ["reload", "browser", "compositor", "report"]
    assert order == ["browser", "compositor"]
    assert bench.watch.reported


async def test_a_browser_is_given_time_to_start_before_it_is_called_silent(bench: Bench) -> None:
    taken = []
    for second in range(60):
        bench.watch.hear(Report(connector="on"))
        if rung := await bench.watch.look():
            taken.append((second, rung))
        bench.clock.advance(1)
    assert taken == [(30, "reload"), (42, "browser")]


async def test_a_page_that_never_proves_itself_is_no_secret(bench: Bench) -> None:
    """A script that fails at once, a page of the browser's own that says there is no connection."""
    said = []
    for _ in range(32):
        bench.watch.hear(Report(connector="on"))
        said.append(bench.watch.state())
        bench.clock.advance(1)
    assert said == ["none"] * 30 + ["stale"] * 2


async def test_a_page_that_proves_itself_in_time_is_left_alone(bench: Bench) -> None:
    for second in range(60):
        bench.watch.hear(Report(connector="on"))
        if second >= 25 and second % 5 == 0:
            bench.page()
        assert await bench.watch.look() is None
        bench.clock.advance(1)


async def test_a_budget_that_cannot_be_stored_restarts_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it end the watch: a full card leaves the page as it is, and says so."""

    async def full(name: str, value: str | None) -> None:
        raise JournalError("full", "The card is full.")

    monkeypatch.setattr(bench.watch._journal, "put", full)
    bench.page()
    taken, orders = [], []
    for _ in range(120):
        bench.clock.advance(1)
        orders.append(bench.watch.hear(Report(connector="on")))
        if rung := await bench.watch.look():
            taken.append(rung)
    assert taken == ["reload", "report", "report", "report"]
    assert set(orders) == {""}
    assert bench.watch.reported


async def test_without_a_keeper_it_is_only_reported(bench: Bench) -> None:
    bench.page()
    assert await bench.after(30) == "reload"
    assert await bench.after(60) == "report"


async def test_a_screenshot_without_the_code_twice_is_trouble(bench: Bench) -> None:
    bench.page()
    bench.watch.hear(Report(connector="on", looked=True, read=None))
    assert bench.watch.trouble() == ""
    bench.watch.hear(Report(connector="on", looked=True, read="https://evil.example/"))
    assert bench.watch.trouble() == "unseen"
    bench.watch.hear(Report(connector="on", looked=True, read=LINK))
    assert bench.watch.trouble() == ""


async def test_a_misread_screenshot_asks_for_a_second_look_at_once(bench: Bench) -> None:
    bench.page()
    bench.watch.hear(Report(connector="on", looked=True, read=None))
    assert bench.watch.look_again
    bench.watch.hear(Report(connector="on", looked=True, read=None))
    assert not bench.watch.look_again
    assert bench.watch.state() == "unseen"


async def test_an_outcome_over_the_code_is_no_misread_screenshot(bench: Bench) -> None:
    """Nor is one whose screenshot was begun while it covered the code."""
    bench.page()
    for _ in range(3):
        bench.watch.hear(Report(connector="on", looked=True, read=None), covered=True)
    bench.clock.advance(COVERED_S)
    bench.watch.hear(Report(connector="on", looked=True, read=None))
    assert not bench.watch.look_again
    bench.clock.advance(0.1)
    bench.watch.hear(Report(connector="on", looked=True, read=None))
    assert bench.watch.look_again


async def test_the_pages_draw_anew_before_each_screenshot(bench: Bench) -> None:
    for report in (Report(), Report(looks=True), Report(looked=True, read=LINK), Report(looks=True)):
        bench.watch.hear(report)
    assert bench.repaints == 2


async def test_with_a_keeper_only_the_page_in_its_browser_counts(bench: Bench) -> None:
    """Another page on this machine, however right, must not hide that the counter's own is dead."""
    assert bench.watch.counts("")
    assert bench.watch.counts("any")
    bench.watch.hear(Report(page="first"))
    assert [bench.watch.counts(page) for page in ("first", "second", "")] == [True, False, False]
    bench.watch.hear(Report(page="second"))
    assert [bench.watch.counts(page) for page in ("first", "second", "")] == [False, True, False]
    bench.clock.advance(KEEPER_S)
    assert bench.watch.counts("third"), "the keeper is gone"


async def test_what_is_known_of_the_glass(bench: Bench) -> None:
    assert bench.watch.state() == "none"
    bench.page()
    assert bench.watch.state() == "ok"
    for connector, state in (("unplugged", "unplugged"), ("off", "dark"), ("on", "ok"), ("unknown", "ok")):
        bench.watch.hear(Report(connector=connector))  # type: ignore[arg-type]
        assert bench.watch.state() == state
    bench.clock.advance(30)
    assert bench.watch.state() == "stale"
    bench.open = False
    assert bench.watch.state() == "ok", "a display that sleeps reports nothing, and nothing is wrong with it"


@pytest.mark.parametrize("connector", ["off", "unplugged"])
async def test_a_dark_or_unplugged_screen_is_not_climbed_for(bench: Bench, connector: Any) -> None:
    bench.page()
    for _ in range(60):
        bench.clock.advance(1)
        bench.watch.hear(Report(connector=connector))
        assert await bench.watch.look() is None


async def test_outside_the_hours_it_sleeps(bench: Bench) -> None:
    bench.page()
    bench.open = False
    assert await bench.after(120) is None


async def test_budgets_are_kept_across_a_restart_and_renewed_by_a_boot(bench: Bench, tmp_path: Path) -> None:
    await bench.watch.start()
    await bench.watch.stop()
    bench.page()
    await bench.after(30)
    journal = bench.watch._journal
    again = Bench(journal, bench.clock)
    await again.watch.start()
    await again.watch.stop()
    assert again.watch._climb.used == {"reload": 1}
    bench.clock.boot = "another"
    fresh = Bench(journal, bench.clock)
    await fresh.watch.start()
    await fresh.watch.stop()
    assert fresh.watch._climb.used == {}
