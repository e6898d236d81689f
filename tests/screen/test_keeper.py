"""The keeper: it starts the browser again, looks at the glass, obeys."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kiosk.screen import glass
from kiosk.screen.keeper import (
    FLAGS,
    LOOK_S,
    MOST_CRASHES,
    REPAINT_S,
    SMALL,
    Keeper,
    KeeperError,
    end_compositor,
    total_kib,
)
from kiosk.screen.link import Away
from tests.web.rig import eventually, rig


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


class Daemon:
    """What the keeper asks, answered from a list."""

    def __init__(self, *orders: str) -> None:
        self.orders, self.heard = list(orders), []  # type: ignore[var-annotated]
        self.open = self.there = True

    def probe(self) -> None:
        if not self.there:
            raise Away("nobody")

    def post(self, path: str, body: Any) -> Any:
        self.heard.append(body)
        order = self.orders.pop(0) if self.orders else ""
        if order == "away":
            raise Away("nobody")
        return {"do": order, "open": self.open, "look": order == "look"}


@pytest.fixture
def clock() -> list[float]:
    return [1000.0]


@pytest.fixture
def keeper(tmp_path: Path, clock: list[float]) -> Iterator[Any]:
    made: list[Keeper] = []

    def make(daemon: Daemon, text: str = 'echo "$@" >> "$0.log"; exec sleep 1000') -> Keeper:
        browser = script(tmp_path / "browser", text)
        one = Keeper(
            "http://127.0.0.1:1/",
            browser,
            link=daemon,  # type: ignore[arg-type]
            connector=lambda: "on",
            now=lambda: clock[0],
            pause=daemon.heard.append,
        )
        made.append(one)
        return one

    yield make
    for one in made:
        one.end_browser()
        one._home.cleanup()


def alive(keeper: Keeper) -> int:
    assert keeper._process is not None
    assert keeper._process.poll() is None
    return keeper._process.pid


def test_it_keeps_one_browser_and_reports(keeper: Any, tmp_path: Path) -> None:
    daemon = Daemon("", "away", "")
    one = keeper(daemon)
    one.turn()
    first = alive(one)
    one.turn()
    one.turn()
    assert alive(one) == first
    assert daemon.heard[0]["connector"] == "on"


def test_no_browser_is_started_while_the_daemon_is_away(keeper: Any, clock: list[float]) -> None:
    """It would show an error page of its own on the counter, and never look again."""
    daemon = Daemon()
    daemon.there = False
    one = keeper(daemon)
    one.turn()
    assert one._process is None
    daemon.there = True
    one.turn()
    os.killpg(alive(one), signal.SIGKILL)
    one._process.wait()
    daemon.there = False
    clock[0] += 5
    one.turn()
    assert one._process.poll() is not None
    daemon.there = True
    one.turn()
    alive(one)


def test_a_browser_that_ends_each_time_is_started_for_ever(keeper: Any, clock: list[float]) -> None:
    one = keeper(Daemon(), "exit 1")
    starts = set()
    for _ in range(60):
        one.turn()
        starts.add(one._process.pid)
        one._process.wait()
        clock[0] += 31
    assert len(starts) == 60
    for _ in range(2000):
        one._due()
    assert one._crashes == MOST_CRASHES


def test_a_browser_that_ends_is_started_again_and_one_that_crashes_more_slowly(
    keeper: Any, clock: list[float]
) -> None:
    one = keeper(Daemon())
    one.turn()
    first = alive(one)
    os.killpg(first, signal.SIGKILL)
    one._process.wait()
    one.turn()
    assert one._process.poll() is not None, "not at once"
    clock[0] += 5
    one.turn()
    assert alive(one) != first


def test_inside_a_compositor_the_browser_speaks_wayland(
    keeper: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "browser.log"
    for display, wanted in (("", False), ("wayland-0", True)):
        monkeypatch.setenv("WAYLAND_DISPLAY", display)
        log.unlink(missing_ok=True)
        one = keeper(Daemon())
        one.turn()
        for _ in range(500):
            if log.exists() and "http://" in log.read_text():
                break
            signal.sigtimedwait([], 0.02)
        assert ("--ozone-platform=wayland" in log.read_text().split()) is wanted


def test_orders_are_obeyed(keeper: Any) -> None:
    one = keeper(Daemon("", "browser", "compositor"))
    one.turn()
    first = alive(one)
    assert one.turn() == "browser"
    assert alive(one) != first
    assert one.turn() == "compositor"


def test_a_browser_that_is_killed_every_minute_is_back_within_a_turn_each_time(
    keeper: Any, clock: list[float]
) -> None:
    one = keeper(Daemon())
    one.turn()
    pids = set()
    for _ in range(30):
        pids.add(alive(one))
        for _ in range(30):
            clock[0] += 2
            one.turn()
        os.killpg(one._process.pid, signal.SIGKILL)
        one._process.wait()
        clock[0] += 2
        one.turn()
    pids.add(alive(one))
    assert len(pids) == 31
    assert one._crashes <= 1, "a browser that ran for a minute does not count as one that crashes at once"


@pytest.mark.heavy
async def test_a_real_browser_that_is_killed_again_and_again_proves_its_page_each_time(
    tmp_path: Path, chromium: str
) -> None:
    headless = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
    async with rig(tmp_path) as kiosk:
        one = Keeper(kiosk.url + "/", chromium, headless, connector=lambda: "on")
        watch, page = kiosk.daemon.watch, kiosk.daemon.glass
        assert watch is not None
        assert page is not None
        try:
            for early in (True, False, False):
                await asyncio.to_thread(one.turn)
                if early:  # in the middle of loading, before anything was proven
                    os.killpg(alive(one), signal.SIGKILL)
                    assert one._process is not None
                    await asyncio.to_thread(one._process.wait)
                    one._started -= 60
                    await asyncio.to_thread(one.turn)
                before = page._seen_at
                await eventually(lambda before=before: page._seen_at != before and watch.state() == "ok", 60)
                os.killpg(alive(one), signal.SIGKILL)
                assert one._process is not None
                await asyncio.to_thread(one._process.wait)
                one._started -= 60  # it ran for a minute
        finally:
            await asyncio.to_thread(one.end_browser)
            one._home.cleanup()


def test_it_looks_every_20_s_and_at_once_when_it_is_asked(
    keeper: Any, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glass, "screenshot_program", lambda: "grim")
    monkeypatch.setattr(glass, "look", lambda program: None)
    daemon = Daemon("", "", "", "", "", "look", "", "")
    one = keeper(daemon)
    looked = []
    for wait in (0, 21, 2, 18, 2, 2):
        clock[0] += wait
        one.turn()
        looked.append(daemon.heard[-1].get("looked", False))
    assert looked == [
        False,
        True,
        False,
        True,
        True,
        False,
    ]


def test_the_page_draws_itself_anew_before_a_look_and_an_order_comes_first(
    keeper: Any, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glass, "screenshot_program", lambda: "grim")
    monkeypatch.setattr(glass, "look", lambda program: "code")
    daemon = Daemon("", "", "", "browser")
    one = keeper(daemon)
    for wait in (0, 21):
        clock[0] += wait
        one.turn()
    told, waited, looked = daemon.heard[1:]
    assert (told["looks"], "looked" in told) == (True, False)
    assert waited == REPAINT_S
    assert (looked["looked"], looked["read"], "looks" in looked) == (True, "code", False)
    clock[0] += LOOK_S
    assert one.turn() == "browser"
    assert len(daemon.heard) == 5, "no picture of a browser that is about to end"


def test_a_browser_that_ran_all_day_is_started_anew_when_the_shop_closes(
    keeper: Any, clock: list[float]
) -> None:
    daemon = Daemon()
    one = keeper(daemon)
    one.turn()
    first = alive(one)
    for wait, is_open, same in (
        (13 * 3600, True, True),
        (2, False, False),
        (2, False, True),
        (11 * 3600, False, True),
        (2, True, True),
    ):
        clock[0] += wait
        daemon.open = is_open
        one.turn()
        one.turn()
        assert (alive(one) == first) is same
        first = alive(one)


def test_each_browser_shows_a_page_of_a_new_name(keeper: Any, tmp_path: Path) -> None:
    daemon = Daemon("", "browser", "")
    one = keeper(daemon)
    log = tmp_path / "browser.log"
    for turns, browsers in ((1, 1), (2, 2)):
        for _ in range(turns):
            one.turn()
        for _ in range(500):
            if log.exists() and log.read_text().count("http://") == browsers:
                break
            signal.sigtimedwait([], 0.02)
    first, _, second = [report["page"] for report in daemon.heard]
    shown = [line.split()[-1] for line in log.read_text().splitlines()]
    assert shown == [f"http://127.0.0.1:1/?page={page}" for page in (first, second)]
    assert first != second


@pytest.mark.parametrize("state", ["running", "hung", "deaf"])
def test_a_compositor_that_hangs_is_ended_by_its_client(
    state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only cage is: whoever else started the keeper lives on."""
    monkeypatch.setattr("kiosk.screen.keeper.STOP_S", 0.5)
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN); " if state == "deaf" else ""
    for name, ends in (("cage", True), ("labwc", False)):
        call = f"open('/proc/self/comm', 'w').write('{name}'); print('up', flush=True); time.sleep(100)"
        words = [sys.executable, "-c", f"import signal, time; {deaf}{call}"]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"up\n"
            if state == "hung":
                process.send_signal(signal.SIGSTOP)
            try:
                end_compositor(process.pid)
                assert (process.poll() is not None) is ends
            finally:
                process.kill()
    end_compositor(process.pid)


def test_all_processes_of_the_browser_end_also_those_that_do_not_want_to(
    keeper: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.screen.keeper.STOP_S", 0.2)
    one = keeper(Daemon(), 'trap "" TERM; sleep 1000 & echo $! > "$0.child"; while :; do sleep 1; done')
    one.turn()
    child = tmp_path / "browser.child"
    for _ in range(500):
        if child.exists() and child.read_text().strip():
            break
        signal.sigtimedwait([], 0.02)
    one.end_browser()
    status = Path(f"/proc/{int(child.read_text())}/status")
    for _ in range(500):
        if not status.exists() or "Z (zombie)" in status.read_text():
            return
        signal.sigtimedwait([], 0.02)
    raise AssertionError("a process of the browser lives on")


def test_a_browser_that_is_not_there_is_named(tmp_path: Path) -> None:
    one = Keeper("http://127.0.0.1:1/", str(tmp_path / "nothing"), link=Daemon(), connector=lambda: "on")  # type: ignore[arg-type]
    with pytest.raises(KeeperError, match="install chromium"):
        one.turn()
    one._home.cleanup()


def test_small_boards_get_the_low_end_mode(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal:         945672 kB\nMemFree: 1 kB\n")
    assert total_kib(tmp_path / "meminfo") == 945672
    assert total_kib(tmp_path / "nothing") == 0
    assert "--kiosk" in FLAGS
    assert "--enable-low-end-device-mode" in SMALL


@pytest.mark.parametrize(
    ("outputs", "state"),
    [
        ([], "unknown"),
        ([("disconnected", "", "disabled", "Off")], "unplugged"),
        ([("connected", "", "enabled", "On")], "unplugged"),
        ([("connected", "1920x1080", "enabled", "On")], "on"),
        ([("connected", "1920x1080", "disabled", "Off")], "off"),
        ([("connected", "1920x1080", "enabled", "Standby")], "off"),
        ([("disconnected", "", "disabled", "Off"), ("connected", "1920x1080", "enabled", "On")], "on"),
    ],
)
def test_the_connector(outputs: list[tuple[str, str, str, str]], state: str, tmp_path: Path) -> None:
    for n, values in enumerate(outputs):
        place = tmp_path / f"card0-HDMI-A-{n}"
        place.mkdir()
        for name, value in zip(("status", "modes", "enabled", "dpms"), values, strict=True):
            (place / name).write_text(value + "\n")
    (tmp_path / "card0").mkdir()
    assert glass.connector(tmp_path) == state


async def test_a_screenshot_is_read_as_a_phone_would(tmp_path: Path) -> None:
    from kiosk.screen.drawing import draw
    from tests.screen.test_drawing import LINK, view

    draw(view(), (800, 480)).image.save(tmp_path / "glass.ppm")
    grim = script(tmp_path / "grim", f'test "$1 $2" = "-t ppm" && cp "{tmp_path / "glass.ppm"}" "$3"')
    assert await asyncio.to_thread(glass.look, grim) == LINK
    assert await asyncio.to_thread(glass.look, script(tmp_path / "blank", 'printf "" > "$3"')) is None
    assert await asyncio.to_thread(glass.look, script(tmp_path / "broken", "exit 1")) is None
    assert await asyncio.to_thread(glass.look, str(tmp_path / "nothing")) is None
