"""Displays: one contract for every family on a serial line (pty) and a socket, and for the simulated one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kiosk.events import Bus
from kiosk.hardware import kept
from kiosk.hardware.displays import stream as adapter
from kiosk.hardware.displays.stream import SHOWN, SILENT, UNCONFIRMED, StreamDisplay
from kiosk.hardware.factory import languages, open_display
from kiosk.hardware.ports import Display, experimental
from kiosk.hardware.sim import SimBench
from simulators.panels import PanelSim
from simulators.panels_wire import PtyWire, TcpWire
from tests.hardware.conftest import Watch, until

LINK = "https://q.example.cn/c/S0001"
POLES = ("cd5220", "escpos-pole")
ANSWERING = ("tjc", "dwin")
WIRES = [*[(f, "serial") for f in sorted(languages())], ("qrview", "socket"), ("tjc", "socket")]


@pytest.fixture(autouse=True)
def _sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do sooner what a shop can wait for."""
    monkeypatch.setattr(kept, "RETRY_S", (0.02, 0.2))
    monkeypatch.setattr(adapter, "ANSWER_S", 0.2)
    monkeypatch.setattr(adapter, "pause", lambda seconds: asyncio.sleep(seconds / 100))


class Rig:
    """A display and its far end."""

    def __init__(self, family: str, wire: str, bus: Bus, tmp_path: Path) -> None:
        self.family, self.bus = family, bus
        self.sim = PanelSim(family, PtyWire(tmp_path / "by-id") if wire == "serial" else TcpWire())
        self.device: Any = None

    async def start(self, options: str = "") -> None:
        await self.sim.start()
        self.device = open_display("counter", self.sim.address + options, SimBench(self.bus), self.bus)
        await self.device.start()

    async def stop(self) -> None:
        await self.device.stop()
        await self.sim.stop()

    def seen(self) -> tuple[str, tuple[str, ...]]:
        """Return the code and the first line that a customer sees."""
        return self.sim.panel.code, tuple(self.sim.panel.lines[:1])

    def would_see(self, code: str, line: str) -> tuple[str, tuple[str, ...]]:
        if self.family in POLES:
            return "", (line,)
        return code, () if self.family == "mertech" else (line,)


@pytest.fixture(params=WIRES, ids=["-".join(w) for w in WIRES])
async def rig(request: pytest.FixtureRequest, bus: Bus, watch: Watch, tmp_path: Path) -> AsyncIterator[Rig]:
    made = Rig(*request.param, bus, tmp_path)
    await made.start()
    yield made
    await made.stop()


class TestEveryDisplay:
    async def test_shows_what_it_is_told_and_says_how_sure_it_is(self, rig: Rig) -> None:
        rig.device.show_code(LINK, ("Total", "20.00"))
        await until(lambda: rig.seen() == rig.would_see(LINK, "Total"))
        expected = SHOWN if rig.family in ANSWERING else UNCONFIRMED
        await until(lambda: rig.device.detail == expected)
        assert rig.device.state == "ok"
        assert rig.sim.panel.complaints == []

    async def test_the_latest_wins(self, rig: Rig) -> None:
        for n in range(50):
            rig.device.show_code(f"{LINK}{n}", (f"line {n}",))
        await until(lambda: rig.seen() == rig.would_see(f"{LINK}49", "line 49"))
        sent = bytes(rig.sim.raw)
        assert sent.count(b"line 48") == sent.count(f"{LINK}48".encode()) == 0

    async def test_shows_the_last_again_when_it_is_back(self, rig: Rig) -> None:
        rig.device.show_code(LINK, ("first",))
        await until(lambda: rig.seen() == rig.would_see(LINK, "first"))
        await rig.sim.set_fault("gone")
        await until(lambda: rig.device.state == "absent")
        rig.device.show_code(LINK, ("second",))
        await rig.sim.set_fault("none")
        await until(lambda: rig.seen() == rig.would_see(LINK, "second"))
        assert rig.device.state == "ok"

    async def test_what_was_shown_before_the_start_is_shown(self, bus: Bus, tmp_path: Path, rig: Rig) -> None:
        await rig.device.stop()
        rig.device.show_code(LINK, ("early",))
        await rig.device.start()
        await until(lambda: rig.seen() == rig.would_see(LINK, "early"))

    async def test_shows_nothing_stale_after_it_was_stopped(self, rig: Rig) -> None:
        rig.device.show_code(LINK, ("Total",))
        await until(lambda: rig.seen() == rig.would_see(LINK, "Total"))
        await rig.device.stop()
        await until(lambda: rig.sim.panel.code == "" and not any(rig.sim.panel.lines))
        assert rig.device.state == "absent"

    async def test_a_code_that_is_too_long_is_left_out_and_named(self, rig: Rig) -> None:
        rig.device.show_code(LINK, ("Total",))
        await until(lambda: rig.seen() == rig.would_see(LINK, "Total"))
        rig.device.show_code("x" * 2000, ("long",))
        if rig.family in POLES:
            await until(lambda: rig.seen() == ("", ("long",)))
            assert rig.device.state == "ok"
            return
        await until(lambda: rig.sim.panel.code == "" and rig.device.state == "error")
        assert f"{rig.device.max_bytes} at most" in rig.device.detail
        rig.device.show_code(LINK, ("Total",))
        await until(lambda: rig.device.state == "ok")


class TestFaults:
    @pytest.fixture(params=ANSWERING)
    async def answering(
        self, request: pytest.FixtureRequest, bus: Bus, watch: Watch, tmp_path: Path
    ) -> AsyncIterator[Rig]:
        made = Rig(request.param, "serial", bus, tmp_path)
        await made.start()
        yield made
        await made.stop()

    @pytest.mark.parametrize("fault", ["silent", "noise"])
    async def test_one_that_never_answers_is_named_and_believed_once_it_does(
        self, answering: Rig, fault: str
    ) -> None:
        await answering.sim.set_fault(fault)
        answering.device.show_code(LINK, ("a",))
        await until(lambda: answering.device.state == "error")
        assert answering.device.detail == SILENT
        await answering.sim.set_fault("none")
        answering.device.show_code(LINK, ("b",))
        await until(lambda: answering.device.detail == SHOWN)
        assert answering.device.state == "ok"

    async def test_one_that_says_no_is_quoted(self, bus: Bus, watch: Watch, tmp_path: Path) -> None:
        rig = Rig("tjc", "serial", bus, tmp_path)
        await rig.start("?code=other")
        rig.device.show_code(LINK, ())
        await until(lambda: rig.device.state == "error")
        assert rig.device.detail == "it says no: its project has no variable of this name."
        await rig.stop()

    async def test_one_that_takes_nothing_is_dropped_and_the_rest_goes_on(
        self, bus: Bus, watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(adapter, "WRITE_S", 0.1)
        monkeypatch.setattr(adapter, "BYE_S", 0.05)
        deaf, well = (Rig(f, "serial", bus, tmp_path / f) for f in ("qrview", "cd5220"))
        for rig in (deaf, well):
            rig.sim.wire.link.parent.mkdir()  # type: ignore[attr-defined]
            await rig.start()
        await deaf.sim.set_fault("deaf")

        async def flood() -> None:
            n = 0
            while deaf.device.state != "absent":
                n += 1
                deaf.device.show_code(f"{LINK}{n}" + "x" * 200, ("y" * 30,) * 3)
                await asyncio.sleep(0.001)

        await asyncio.wait_for(flood(), 30)
        assert "does not answer" in deaf.device.detail
        well.device.show_code("", ("Total",))
        await until(lambda: well.seen() == ("", ("Total",)))
        await deaf.stop()
        await well.stop()

    @pytest.mark.parametrize("wire", ["serial", "socket"])
    async def test_one_that_vanishes_during_a_write_comes_back_whole(
        self, bus: Bus, watch: Watch, tmp_path: Path, wire: str
    ) -> None:
        rig = Rig("qrview", wire, bus, tmp_path)
        await rig.start()
        for n in range(4):
            await until(lambda: rig.device.state == "ok", f"it is there in round {n}")
            before = len(rig.sim.raw)
            for m in range(20):
                rig.device.show_code(f"{LINK}{n}-{m}", ("x" * 32,) * 3)
            await until(lambda b=before: len(rig.sim.raw) > b, "a write has begun")
            await rig.sim.set_fault("gone")
            await until(lambda: rig.device.state == "absent")
            await rig.sim.set_fault("none")
            await until(lambda n=n: rig.sim.panel.code == f"{LINK}{n}-19", "the last view is whole")
        assert rig.sim.panel.complaints == []
        await rig.stop()

    async def test_one_that_forgot_is_told_again_within_the_minute(
        self, bus: Bus, watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert adapter.REFRESH_S == 60
        monkeypatch.setattr(adapter, "REFRESH_S", 0.05)
        rig = Rig("qrview", "serial", bus, tmp_path)
        await rig.start()
        rig.device.show_code(LINK, ())
        await until(lambda: rig.sim.panel.code == LINK)
        await rig.sim.set_fault("forget")
        await until(lambda: rig.sim.panel.code == LINK)
        await rig.stop()

    async def test_one_that_lost_its_settings_is_greeted_again(self, answering: Rig) -> None:
        answering.device.show_code(LINK, ("a",))
        await until(lambda: answering.device.detail == SHOWN)
        await answering.sim.set_fault("forget")
        answering.device.show_code(LINK, ("b",))
        await until(lambda: answering.seen() == (LINK, ("b",)))
        await until(lambda: answering.device.detail == SHOWN)
        assert answering.device.state == "ok"

    async def test_what_is_wrong_is_one_line_of_the_log(
        self, bus: Bus, watch: Watch, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "kiosk.hardware.kept")
        rig = Rig("tjc", "serial", bus, tmp_path)
        await rig.start()
        await rig.sim.set_fault("refuse")
        for n in range(3):
            heard = len(rig.sim.raw)
            rig.device.show_code(f"{LINK}{n}", ())
            await until(lambda h=heard: rig.device.state == "error" and len(rig.sim.raw) > h)
        await rig.sim.set_fault("none")
        rig.device.show_code(LINK, ())
        await until(lambda: rig.device.detail == SHOWN)
        await rig.stop()
        assert [r.getMessage() for r in caplog.records] == [
            "display counter: it says no: its project has no variable of this name.",
            "display counter is back",
        ]


@pytest.mark.parametrize("family", sorted(languages()))
def test_an_address_makes_its_adapter(family: str, bus: Bus) -> None:
    for url in (f"{family}+serial:///dev/x", f"{family}+socket://192.168.1.60:4001"):
        made: Display = open_display("counter", url, SimBench(bus), bus)
        assert isinstance(made, StreamDisplay)
        assert (made.kind, made.url, made.language.name) == ("display", url, family)
        assert made._address.baud == made.language.baud
        assert experimental(made) is made.language.experimental
    assert not experimental(open_display("counter", "sim://", SimBench(bus), bus))


async def test_the_simulated_one_keeps_the_contract_too(bus: Bus, watch: Watch) -> None:
    bench = SimBench(bus)
    device = open_display("counter", "sim://", bench, bus)
    device.show_code(LINK, ("early",))
    await device.start()
    assert bench.displays["counter"] == {"data": LINK, "lines": ["early"]}
    await device.stop()
    assert (device.state, bench.displays) == ("absent", {})
