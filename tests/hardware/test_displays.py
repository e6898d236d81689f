"""Displays: what goes wrong with a wire, and what the address says. The contract is in test_display_contract."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kiosk.events import Bus
from kiosk.hardware import kept
from kiosk.hardware.displays import stream as adapter
from kiosk.hardware.displays.stream import SHOWN, StreamDisplay
from kiosk.hardware.factory import languages, open_display
from kiosk.hardware.ports import Display, experimental
from kiosk.hardware.sim import SimBench
from simulators.panels_wire import PtyWire, TcpWire
from tests.hardware.conftest import Watch, until
from tests.hardware.test_display_contract import ANSWERING, LINK, WireRig


@pytest.fixture(autouse=True)
def _sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do sooner what a shop can wait for."""
    monkeypatch.setattr(kept, "RETRY_S", (0.02, 0.2))
    monkeypatch.setattr(adapter, "ANSWER_S", 0.2)
    monkeypatch.setattr(adapter, "pause", lambda seconds: asyncio.sleep(seconds / 100))


def serial(family: str, bus: Bus, tmp_path: Path) -> WireRig:
    return WireRig(family, PtyWire(tmp_path / "by-id"), bus)


class TestFaults:
    @pytest.fixture(params=ANSWERING)
    async def answering(
        self, request: pytest.FixtureRequest, bus: Bus, watch: Watch, tmp_path: Path
    ) -> AsyncIterator[WireRig]:
        made = serial(request.param, bus, tmp_path)
        await made.start()
        yield made
        await made.stop()

    async def test_one_that_says_no_is_quoted(self, bus: Bus, watch: Watch, tmp_path: Path) -> None:
        rig = serial("tjc", bus, tmp_path)
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
        deaf, well = (serial(f, bus, tmp_path / f) for f in ("qrview", "cd5220"))
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
        rig = WireRig("qrview", PtyWire(tmp_path / "by-id") if wire == "serial" else TcpWire(), bus)
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
        rig = serial("qrview", bus, tmp_path)
        await rig.start()
        rig.device.show_code(LINK, ())
        await until(lambda: rig.sim.panel.code == LINK)
        await rig.sim.set_fault("forget")
        await until(lambda: rig.sim.panel.code == LINK)
        await rig.stop()

    async def test_one_that_lost_its_settings_is_greeted_again(self, answering: WireRig) -> None:
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
        rig = serial("tjc", bus, tmp_path)
        await rig.start()
        await rig.sim.set_fault("wrong")
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
