"""The contract of what hangs on pins: the adapters on gpiozero's mock pins and the simulated devices keep the same one."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from typing import Any

import pytest

from kiosk.config import Gpio
from kiosk.events import Bus, Pressed
from kiosk.hardware import board, inputs, sim_inputs
from kiosk.hardware.factory import Pins
from kiosk.hardware.ports import Device
from kiosk.hardware.signals import DrawerOpened, PowerBack, PowerFailing, PresenceChanged
from kiosk.hardware.sim import SimBench
from tests.hardware.conftest import Watch, until

PIN = {"button": 17, "lights": 22, "buzzer": 25, "drawer": 5, "presence": 6, "power": 12}
WIRED: dict[str, Any] = {
    "button": 17, "red": 22, "green": 23, "buzzer": 25, "drawer": 5, "drawer_pulse_s": 0.02, "presence": 6,
    "presence_hold_s": 1, "power_good": 12,
}  # fmt: skip
KINDS = tuple(PIN)


class Rig(ABC):
    """One of each, and what a hand, an eye and an ear do. Faults have one name on both sides."""

    pins: Pins

    def of(self, kind: str) -> Any:
        """Return the device of a kind."""
        return getattr(self.pins, kind)

    @abstractmethod
    async def press(self) -> None: ...

    @abstractmethod
    def lit(self) -> str:
        """Return the colour that is on; `off` when none is."""

    @abstractmethod
    def beeps(self) -> int:
        """Return how many beeps were heard."""

    @abstractmethod
    def see(self, present: bool) -> None: ...

    @abstractmethod
    def mains(self, good: bool) -> None: ...

    @abstractmethod
    async def fault(self, kind: str, name: str) -> None:
        """Give a device a fault: gone, and of a button noise, chatter, stuck, slow; `none` mends it."""


class MockRig(Rig):
    """The adapters themselves, on pins that a test drives. `gone` is a pin that another program has taken."""

    def __init__(self, bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
        self._taken: set[str] = set()
        self._slow = False
        real = board.pin_factory

        def factory(name: str) -> Any:
            made = real(name)
            pin = made.pin

            def take(spec: Any) -> Any:
                if str(spec).removeprefix("GPIO") in self._taken:
                    raise RuntimeError("GPIO busy")
                return pin(spec)

            made.pin = take
            self._untaken = pin
            return made

        monkeypatch.setattr(board, "pin_factory", factory)
        self.pins = Pins(Gpio(factory="mock", **WIRED), SimBench(bus), bus)

    def _pin(self, kind: str) -> Any:
        return self._untaken(f"GPIO{PIN[kind]}")

    async def press(self) -> None:
        pin = self._pin("button")
        for _ in range(3):
            pin.drive_low()
            await asyncio.sleep(inputs.QUIET_S / 3 if self._slow else 0)
            pin.drive_high()
        pin.drive_low()
        await asyncio.sleep(inputs.QUIET_S * 4)
        pin.drive_high()
        await asyncio.sleep(inputs.QUIET_S * 4)

    def lit(self) -> str:
        on = [c for c, n in (("red", 22), ("green", 23)) if self._untaken(f"GPIO{n}").state]
        assert len(on) < 2
        return on[0] if on else "off"

    def beeps(self) -> int:
        return sum(bool(s.state) for s in self._pin("buzzer").states)

    def see(self, present: bool) -> None:
        (self._pin("presence").drive_high if present else self._pin("presence").drive_low)()

    def mains(self, good: bool) -> None:
        (self._pin("power").drive_high if good else self._pin("power").drive_low)()

    async def fault(self, kind: str, name: str) -> None:
        pin, device = self._pin(kind), self.of(kind)
        self._slow = name == "slow"
        if name == "gone":
            await device.stop()
            self._taken.add(str(PIN[kind]))
            await device.start()
        elif name == "noise":
            for _ in range(5):
                pin.drive_low()
                pin.drive_high()
                await asyncio.sleep(inputs.QUIET_S * 2)
        elif name == "chatter":
            for _ in range(inputs.CHATTER_EDGES):
                pin.drive_low()
                pin.drive_high()
        elif name == "stuck":
            pin.drive_low()
        elif name == "none":
            self._taken.discard(str(PIN[kind]))
            if kind == "button":
                pin.drive_high()


class SimRig(Rig):
    """The simulated ones of the demo."""

    def __init__(self, bus: Bus) -> None:
        self.bench = SimBench(bus)
        self.pins = Pins(Gpio(factory="sim", **WIRED), self.bench, bus)

    async def press(self) -> None:
        self.bench.press()

    def lit(self) -> str:
        return str(self.bench.lights["colour"])

    def beeps(self) -> int:
        return sum(len(sound) for sound in self.bench.sounds)

    def see(self, present: bool) -> None:
        self.bench.act("presence:presence", "come" if present else "leave")

    def mains(self, good: bool) -> None:
        self.bench.act("power:power", "back" if good else "cut")

    async def fault(self, kind: str, name: str) -> None:
        self.bench.fault(f"{kind}:{kind}", name)


@pytest.fixture(params=["mock", "sim"])
async def rig(
    request: pytest.FixtureRequest, bus: Bus, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Rig]:
    monkeypatch.setattr(board, "AGAIN_S", 0.05)
    monkeypatch.setattr(inputs, "STUCK_S", 0.4)
    monkeypatch.setattr(inputs.GpioPower, "quiet_s", 0.02)
    monkeypatch.setattr(sim_inputs, "SLOW_S", 0.05)
    made: Rig = MockRig(bus, monkeypatch) if request.param == "mock" else SimRig(bus)
    if isinstance(made, MockRig):
        made.pins.presence._hold_s = 0.05
    for device in made.pins.all():
        await device.start()
    if isinstance(made, MockRig):
        made.mains(True)
        await until(lambda: made.pins.power._settles is None, "the mains are good")
    yield made
    for device in made.pins.all():
        await device.stop()


async def ok(device: Device) -> None:
    await until(lambda: device.state == "ok", f"{device.kind} works")


@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    async def test_is_absent_after_it_was_stopped_and_works_again(self, rig: Rig, kind: str) -> None:
        device = rig.of(kind)
        await ok(device)
        await device.stop()
        assert device.state == "absent"
        await device.start()
        await ok(device)

    async def test_one_that_is_gone_says_so_and_stops_no_other(self, rig: Rig, kind: str) -> None:
        await rig.fault(kind, "gone")
        assert rig.of(kind).state in ("absent", "error")
        assert rig.of(kind).detail
        assert {rig.of(k).state for k in KINDS if k != kind} == {"ok"}
        await rig.fault(kind, "none")
        await ok(rig.of(kind))


class TestButton:
    async def test_each_press_is_told_once(self, rig: Rig, watch: Watch) -> None:
        for presses in (1, 2, 3):
            await rig.press()
            await until(lambda n=presses: len(watch.of(Pressed)) == n)
        assert [e.button for e in watch.of(Pressed)] == ["button"] * 3

    @pytest.mark.parametrize("fault", ["noise", "slow"])
    async def test_spikes_are_no_press_and_a_slow_one_is_one(
        self, rig: Rig, watch: Watch, fault: str
    ) -> None:
        await rig.fault("button", fault)
        assert watch.of(Pressed) == []
        await rig.press()
        await until(lambda: len(watch.of(Pressed)) == 1)
        assert rig.of("button").state == "ok"

    @pytest.mark.parametrize(("fault", "told"), [("chatter", "chatters"), ("stuck", "stuck"), ("gone", "")])
    async def test_one_in_trouble_is_named_and_mended(
        self, rig: Rig, watch: Watch, monkeypatch: pytest.MonkeyPatch, fault: str, told: str
    ) -> None:
        monkeypatch.setattr(board, "AGAIN_S", 0.5)
        await rig.fault("button", fault)
        await until(lambda: rig.of("button").state in ("error", "absent"))
        assert told in rig.of("button").detail
        assert rig.of("lights").state == "ok", "it stops no other"
        before = len(watch.of(Pressed))
        if fault != "stuck":
            await rig.press()
        assert len(watch.of(Pressed)) == before
        await rig.fault("button", "none")
        await ok(rig.of("button"))
        await rig.press()
        await until(lambda: len(watch.of(Pressed)) == before + 1)


class TestLights:
    async def test_the_latest_wins_and_goes_dark_after_its_time(self, rig: Rig) -> None:
        rig.of("lights").show("red", "steady", 60)
        assert rig.lit() == "red"
        rig.of("lights").show("green", "steady", 0.05)
        assert rig.lit() == "green"
        await until(lambda: rig.lit() == "off")

    async def test_they_are_dark_once_stopped_and_a_late_call_breaks_nothing(self, rig: Rig) -> None:
        rig.of("lights").show("red", "steady", 60)
        await rig.of("lights").stop()
        assert rig.lit() == "off"
        rig.of("lights").show("red", "steady", 60)
        assert rig.lit() == "off"

    async def test_they_light_again_once_mended(self, rig: Rig) -> None:
        await rig.fault("lights", "gone")
        rig.of("lights").show("red", "steady", 60)
        assert rig.lit() == "off"
        await rig.fault("lights", "none")
        await ok(rig.of("lights"))
        rig.of("lights").show("red", "steady", 60)
        assert rig.lit() == "red"


class TestBuzzer:
    async def test_it_beeps_as_written_and_not_after_the_end(self, rig: Rig) -> None:
        rig.of("buzzer").play("..")
        await until(lambda: rig.beeps() == 2)
        await rig.of("buzzer").stop()
        rig.of("buzzer").play("...")
        assert rig.beeps() == 2

    async def test_it_beeps_again_once_mended(self, rig: Rig) -> None:
        await rig.fault("buzzer", "gone")
        rig.of("buzzer").play(".")
        await rig.fault("buzzer", "none")
        await ok(rig.of("buzzer"))
        before = rig.beeps()
        rig.of("buzzer").play(".")
        await until(lambda: rig.beeps() == before + 1)


class TestDrawer:
    async def test_it_opens_and_says_who_asked(self, rig: Rig, watch: Watch) -> None:
        assert rig.of("drawer").open(by="till:front")
        assert [(e.drawer, e.by) for e in watch.of(DrawerOpened)] == [("drawer", "till:front")]

    @pytest.mark.parametrize("how", ["gone", "stopped"])
    async def test_one_that_is_not_there_is_not_said_to_be_opened(
        self, rig: Rig, watch: Watch, how: str
    ) -> None:
        await (rig.fault("drawer", "gone") if how == "gone" else rig.of("drawer").stop())
        assert not rig.of("drawer").open()
        assert watch.of(DrawerOpened) == []
        await (rig.fault("drawer", "none") if how == "gone" else rig.of("drawer").start())
        await ok(rig.of("drawer"))
        assert rig.of("drawer").open()


class TestSensors:
    async def test_who_comes_and_goes_is_told_once(self, rig: Rig, watch: Watch) -> None:
        rig.see(False)
        await until(lambda: not rig.of("presence").present)
        before = len(watch.of(PresenceChanged))
        for present in (True, True, False, False, True):
            rig.see(present)
            await until(lambda p=present: rig.of("presence").present is p)
        assert [e.present for e in watch.of(PresenceChanged)[before:]] == [True, False, True]

    async def test_mains_that_fail_and_return_are_told(self, rig: Rig, watch: Watch) -> None:
        failures = len(watch.of(PowerFailing))
        rig.mains(False)
        await until(lambda: len(watch.of(PowerFailing)) == failures + 1)
        assert rig.of("power").state == "error"
        rig.mains(True)
        await until(lambda: rig.of("power").state == "ok")
        assert len(watch.of(PowerBack)) >= 1
