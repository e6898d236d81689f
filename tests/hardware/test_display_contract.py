"""The contract of displays: every family on a serial line (pty), some on a socket, and the simulated one.

in_kernel runs the same classes on a USB serial line of a real kernel.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kiosk.events import Bus
from kiosk.hardware import kept, sim_display
from kiosk.hardware.displays import stream as adapter
from kiosk.hardware.displays.stream import SHOWN, SILENT, UNCONFIRMED
from kiosk.hardware.factory import languages, open_display
from kiosk.hardware.sim import SimBench
from simulators import panels
from simulators.panels import PanelSim
from simulators.panels_wire import PtyWire, TcpWire, Wire
from tests.hardware.conftest import Watch, until

LINK = "https://q.example.cn/c/S0001"
POLES = ("cd5220", "escpos-pole")
ANSWERING = ("tjc", "dwin")
SIMULATED = "sim"
WIRES = [
    *[(f, "serial") for f in sorted(languages())], ("qrview", "socket"), ("tjc", "socket"), (SIMULATED, "")
]  # fmt: skip


@pytest.fixture(autouse=True)
def _sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do sooner what a shop can wait for."""
    monkeypatch.setattr(kept, "RETRY_S", (0.02, 0.2))
    monkeypatch.setattr(adapter, "ANSWER_S", 0.2)
    monkeypatch.setattr(adapter, "pause", lambda seconds: asyncio.sleep(seconds / 100))
    monkeypatch.setattr(panels, "SLOW_S", 0.1)
    monkeypatch.setattr(panels, "FLAP_S", 0.03)
    monkeypatch.setattr(sim_display, "SLOW_S", 0.1)


class Rig(ABC):
    """A display and what a customer sees of it."""

    device: Any
    family: str

    @abstractmethod
    async def start(self, options: str = "") -> None: ...

    @abstractmethod
    async def stop(self) -> None: ...

    @abstractmethod
    async def fault(self, name: str) -> None:
        """Give it a fault: gone, silent, noise, slow, wrong, chatter; `none` mends it."""

    @abstractmethod
    def shown(self) -> tuple[str, list[str]]:
        """Return code and lines that a customer sees."""

    def seen(self) -> tuple[str, tuple[str, ...]]:
        """Return the code and the first line that a customer sees."""
        code, lines = self.shown()
        return code, tuple(lines[:1])

    def would_see(self, code: str, line: str) -> tuple[str, tuple[str, ...]]:
        if self.family in POLES:
            return "", (line,)
        return code, () if self.family == "mertech" else (line,)


class WireRig(Rig):
    """A display at the end of a wire, a panel of its family at the other."""

    def __init__(self, family: str, wire: Wire, bus: Bus) -> None:
        self.family, self.bus = family, bus
        self.sim = PanelSim(family, wire)

    async def start(self, options: str = "") -> None:
        await self.sim.start()
        self.device = open_display("counter", self.sim.address + options, SimBench(self.bus), self.bus)
        await self.device.start()

    async def stop(self) -> None:
        await self.device.stop()
        await self.sim.stop()

    async def fault(self, name: str) -> None:
        await self.sim.set_fault(name)

    def shown(self) -> tuple[str, list[str]]:
        return self.sim.panel.code, self.sim.panel.lines


class SimRig(Rig):
    """The simulated one of the demo: it answers, so what is wrong with it is known."""

    family = SIMULATED

    def __init__(self, bus: Bus) -> None:
        self.bench = SimBench(bus)
        self.device = open_display("counter", "sim://", self.bench, bus)

    async def start(self, options: str = "") -> None:
        await self.device.start()

    async def stop(self) -> None:
        await self.device.stop()

    async def fault(self, name: str) -> None:
        for _ in range(panels.FLAPS if name == "chatter" else 0):
            self.bench.fault("display:counter", "gone")
            self.bench.fault("display:counter", "none")
        self.bench.fault("display:counter", name)

    def shown(self) -> tuple[str, list[str]]:
        seen = self.bench.displays.get("counter", {"data": "", "lines": []})
        return seen["data"], seen["lines"]


def make(family: str, wire: str, bus: Bus, tmp_path: Path) -> Rig:
    """Make a display on a kind of wire."""
    if family == SIMULATED:
        return SimRig(bus)
    return WireRig(family, PtyWire(tmp_path / "by-id") if wire == "serial" else TcpWire(), bus)


@pytest.fixture(params=WIRES, ids=["-".join(w) for w in WIRES])
async def rig(request: pytest.FixtureRequest, bus: Bus, watch: Watch, tmp_path: Path) -> AsyncIterator[Rig]:
    made = make(*request.param, bus, tmp_path)
    await made.start()
    yield made
    await made.stop()


class TestEveryDisplay:
    async def test_shows_what_it_is_told_and_says_how_sure_it_is(self, rig: Rig) -> None:
        rig.device.show_code(LINK, ("Total", "20.00"))
        await until(lambda: rig.seen() == rig.would_see(LINK, "Total"))
        known = {SIMULATED: "simulated", **dict.fromkeys(ANSWERING, SHOWN)}
        await until(lambda: rig.device.detail == known.get(rig.family, UNCONFIRMED))
        assert rig.device.state == "ok"
        if isinstance(rig, WireRig):
            assert rig.sim.panel.complaints == []

    async def test_the_latest_wins(self, rig: Rig) -> None:
        for n in range(50):
            rig.device.show_code(f"{LINK}{n}", (f"line {n}",))
        await until(lambda: rig.seen() == rig.would_see(f"{LINK}49", "line 49"))
        if isinstance(rig, WireRig):
            sent = bytes(rig.sim.raw)
            assert sent.count(b"line 48") == sent.count(f"{LINK}48".encode()) == 0, (
                "the late ones were left out"
            )

    async def test_shows_the_last_again_when_it_is_back(self, rig: Rig) -> None:
        rig.device.show_code(LINK, ("first",))
        await until(lambda: rig.seen() == rig.would_see(LINK, "first"))
        await rig.fault("gone")
        await until(lambda: rig.device.state == "absent")
        rig.device.show_code(LINK, ("second",))
        await rig.fault("none")
        await until(lambda: rig.seen() == rig.would_see(LINK, "second"))
        assert rig.device.state == "ok"

    async def test_what_was_shown_before_the_start_is_shown(self, rig: Rig) -> None:
        await rig.device.stop()
        rig.device.show_code(LINK, ("early",))
        await rig.device.start()
        await until(lambda: rig.seen() == rig.would_see(LINK, "early"))

    async def test_shows_nothing_stale_after_it_was_stopped(self, rig: Rig) -> None:
        rig.device.show_code(LINK, ("Total",))
        await until(lambda: rig.seen() == rig.would_see(LINK, "Total"))
        await rig.device.stop()
        await until(lambda: not any([rig.shown()[0], *rig.shown()[1]]))
        assert rig.device.state == "absent"

    async def test_a_code_that_is_too_long_is_left_out_and_named(self, rig: Rig) -> None:
        rig.device.show_code(LINK, ("Total",))
        await until(lambda: rig.seen() == rig.would_see(LINK, "Total"))
        rig.device.show_code("x" * 2000, ("long",))
        if rig.family in POLES:
            await until(lambda: rig.seen() == ("", ("long",)))
            assert rig.device.state == "ok"
            return
        await until(lambda: rig.shown()[0] == "" and rig.device.state == "error")
        assert f"{rig.device.qr.max_bytes} at most" in rig.device.detail
        rig.device.show_code(LINK, ("Total",))
        await until(lambda: rig.device.state == "ok")

    async def test_a_slow_one_shows_it_late(self, rig: Rig) -> None:
        await rig.fault("slow")
        rig.device.show_code(LINK, ("late",))
        await until(lambda: rig.seen() == rig.would_see(LINK, "late"))
        await until(lambda: rig.device.state == "ok")

    async def test_one_that_comes_and_goes_shows_the_latest_in_the_end(self, rig: Rig) -> None:
        rig.device.show_code(LINK, ("first",))
        await until(lambda: rig.seen() == rig.would_see(LINK, "first"))
        await rig.fault("chatter")
        rig.device.show_code(LINK, ("second",))
        await until(lambda: rig.seen() == rig.would_see(LINK, "second"))
        await until(lambda: rig.device.state == "ok")

    @pytest.mark.parametrize("fault", ["silent", "noise", "wrong"])
    async def test_one_that_should_answer_and_does_not_is_named_and_believed_once_it_does(
        self, rig: Rig, fault: str
    ) -> None:
        await rig.fault(fault)
        rig.device.show_code(LINK, ("a",))
        if rig.family not in (*ANSWERING, SIMULATED):
            await until(lambda: rig.device.detail == UNCONFIRMED)
            assert rig.device.state == "ok", "it never answers: nothing can be known"
            return
        await until(lambda: rig.device.state == "error")
        no = rig.device.detail.startswith("it says no: ")
        assert no == (fault == "wrong" and rig.family != "dwin"), "a DWIN panel has no word for no"
        if not no and rig.family != SIMULATED:
            assert rig.device.detail == SILENT
        await rig.fault("none")
        rig.device.show_code(LINK, ("b",))
        await until(lambda: rig.seen() == rig.would_see(LINK, "b"))
        await until(lambda: rig.device.state == "ok")
