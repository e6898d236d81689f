"""Devices on pins, on gpiozero's mock: drive this pin, expect these events; call this, expect these levels."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest

from kiosk.config import Gpio
from kiosk.events import Bus, Pressed
from kiosk.hardware import board, inputs, outputs
from kiosk.hardware.factory import Pins
from kiosk.hardware.ports import Device, HardwareError
from kiosk.hardware.signals import DrawerOpened, Held, PowerBack, PowerFailing, PresenceChanged
from kiosk.hardware.sim import SimBench
from tests.hardware.conftest import Watch, until

EVERYTHING: dict[str, Any] = {
    "button": 17, "red": 22, "green": 23, "blue": 24, "buzzer": 25, "drawer": 5, "presence": 6, "power_good": 12,
}  # fmt: skip
NOON = datetime(2026, 11, 25, 12, 0)


class Rig:
    """The devices of one board."""

    def __init__(self, bus: Bus, **settings: Any) -> None:
        self.pins = Pins(Gpio(factory="mock", **settings), SimBench(bus), bus, now=lambda: self.now)
        self.now = NOON

    def pin(self, number: int) -> Any:
        return self.pins.board.factory.pin(f"GPIO{number}")

    def levels(self, number: int) -> list[bool]:
        """Return the levels that an output has gone through."""
        return [bool(s.state) for s in self.pin(number).states]


@pytest.fixture
async def make(bus: Bus, watch: Watch) -> AsyncIterator[Any]:
    rigs: list[Rig] = []

    async def made(**settings: Any) -> Rig:
        rig = Rig(bus, **settings)
        rigs.append(rig)
        for device in rig.pins.all():
            await device.start()
        return rig

    yield made
    for rig in rigs:
        for device in rig.pins.all():
            await device.stop()
        assert rig.pins.board.factory is None, "the library is closed with the last device"


def press(pin: Any, bounces: int = 3) -> None:
    for _ in range(bounces):
        pin.drive_low()
        pin.drive_high()
    pin.drive_low()


def let_go(pin: Any, bounces: int = 3) -> None:
    for _ in range(bounces):
        pin.drive_high()
        pin.drive_low()
    pin.drive_high()


class TestButton:
    async def test_a_press_that_bounces_is_one_press(self, make: Any, watch: Watch) -> None:
        pin = (rig := await make(button=17)).pin(17)
        for presses in (1, 2, 3):
            press(pin)
            await until(lambda n=presses: len(watch.of(Pressed)) == n)
            let_go(pin)
            await until(lambda r=rig: not r.pins.button.active)
        assert [e.button for e in watch.of(Pressed)] == ["button"] * 3

    async def test_a_spike_is_no_press(self, make: Any, watch: Watch) -> None:
        pin = (await make(button=17)).pin(17)
        pin.drive_low()
        pin.drive_high()
        await asyncio.sleep(inputs.QUIET_S * 3)
        press(pin)
        await until(lambda: watch.of(Pressed))
        assert len(watch.of(Pressed)) == 1

    async def test_edges_from_a_thread_reach_the_loop(self, make: Any, watch: Watch) -> None:
        pin = (await make(button=17)).pin(17)
        thread = threading.Thread(target=press, args=(pin,))
        thread.start()
        thread.join()
        await until(lambda: watch.of(Pressed))

    async def test_held_long_it_is_no_press(self, make: Any, watch: Watch) -> None:
        pin = (rig := await make(button=17, hold_s=0.05)).pin(17)
        press(pin)
        await until(lambda: watch.of(Held))
        let_go(pin)
        await until(lambda: not rig.pins.button.active)
        assert watch.of(Pressed) == []

    async def test_held_short_it_is_a_press_when_it_is_let_go(self, make: Any, watch: Watch) -> None:
        pin = (rig := await make(button=17, hold_s=10)).pin(17)
        press(pin)
        await until(lambda: rig.pins.button.active)
        assert watch.of(Pressed) == []
        let_go(pin)
        await until(lambda: watch.of(Pressed))
        assert watch.of(Held) == []

    async def test_stuck_it_says_so_and_is_well_again_when_it_is_free(
        self, make: Any, watch: Watch, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(inputs, "STUCK_S", 0.05)
        pin = (rig := await make(button=17)).pin(17)
        press(pin)
        await until(lambda: rig.pins.button.state == "error")
        assert "stuck" in rig.pins.button.detail
        assert len(watch.of(Pressed)) == 1
        let_go(pin)
        await until(lambda: rig.pins.button.state == "ok")
        press(pin)
        await until(lambda: len(watch.of(Pressed)) == 2)

    async def test_a_line_that_chatters_is_let_go_and_tried_again(
        self, make: Any, watch: Watch, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(board, "AGAIN_S", 0.05)
        rig = await make(button=17, green=23)
        press(rig.pin(17), bounces=inputs.CHATTER_EDGES)
        await until(lambda: rig.pins.button.state == "error")
        assert "chatters" in rig.pins.button.detail
        assert watch.of(Pressed) == []
        assert rig.pins.lights.state == "ok"
        await until(lambda: rig.pins.button.state == "ok")
        press(rig.pin(17))
        await until(lambda: len(watch.of(Pressed)) == 1)


class TestLights:
    async def test_blink_and_go_dark_after_their_time(self, make: Any) -> None:
        rig = await make(red=22, green=23)
        threads = threading.active_count()
        rig.pins.lights.show("green", "fast", 0.35)
        await until(lambda: len(rig.levels(23)) >= 5)
        assert threading.active_count() == threads, "blinking takes no thread"
        await until(lambda: not rig.pins.lights._players["green"]._timers)
        assert rig.levels(23)[:4] == [False, True, False, True]
        assert rig.levels(23)[-1] is False
        assert rig.levels(22) == [False]

    async def test_the_latest_colour_wins(self, make: Any) -> None:
        rig = await make(red=22, green=23)
        rig.pins.lights.show("green", "steady", 60)
        rig.pins.lights.show("red", "steady", 60)
        assert (rig.levels(23)[-1], rig.levels(22)[-1]) == (False, True)

    async def test_a_colour_that_is_not_wired_darkens_the_last(self, make: Any) -> None:
        rig = await make(red=22)
        rig.pins.lights.show("red", "steady", 60)
        rig.pins.lights.show("blue", "steady", 60)
        assert rig.levels(22)[-1] is False

    async def test_are_dark_after_they_were_stopped(self, make: Any) -> None:
        rig = await make(red=22)
        rig.pins.lights.show("red", "fast", 60)
        pin = rig.pin(22)
        await rig.pins.lights.stop()
        assert pin.state in (None, False, 0)
        assert rig.pins.lights.state == "absent"
        rig.pins.lights.show("red", "fast", 60)  # a late call breaks nothing


class TestBuzzer:
    async def test_beeps_as_written(self, make: Any) -> None:
        rig = await make(buzzer=25)
        rig.pins.buzzer.play("..")
        await until(lambda: rig.levels(25) == [False, True, False, True, False])

    async def test_a_passive_one_gets_a_tone(self, make: Any) -> None:
        rig = await make(buzzer=25, buzzer_kind="passive")
        rig.pins.buzzer.play(".")
        pin = rig.pin(25)
        assert (pin.frequency, pin.state) == (outputs.TONE_HZ, 0.5)
        await until(lambda: pin.state == 0)

    async def test_is_quiet_in_quiet_hours(self, make: Any) -> None:
        rig = await make(buzzer=25, quiet_from="22:00", quiet_to="07:00")
        rig.now = NOON.replace(hour=23)
        rig.pins.buzzer.play(".")
        assert rig.levels(25) == [False]
        rig.now = NOON
        rig.pins.buzzer.play(".")
        assert rig.levels(25)[:2] == [False, True]

    async def test_a_call_after_the_end_breaks_nothing(self, make: Any) -> None:
        rig = await make(buzzer=25)
        pin = rig.pin(25)
        await rig.pins.buzzer.stop()
        rig.pins.buzzer.play("...")
        assert [bool(s.state) for s in pin.states] == [False], "it was never on"
        assert (rig.pins.buzzer.state, rig.pins.buzzer._player) == ("absent", None)


class TestDrawer:
    async def test_gets_one_pulse(self, make: Any, watch: Watch) -> None:
        rig = await make(drawer=5, drawer_pulse_s=0.02)
        assert rig.pins.drawer.open()
        assert not rig.pins.drawer.open(), "the last pulse still runs"
        await until(lambda: rig.levels(5) == [False, True, False])
        assert len(watch.of(DrawerOpened)) == 1

    async def test_the_pulse_ends_while_the_loop_is_blocked(self, make: Any) -> None:
        rig = await make(drawer=5, drawer_pulse_s=0.02)
        rig.pins.drawer.open()
        guard = rig.pins.drawer._guard
        guard.join(15)  # the loop does not run meanwhile
        assert rig.levels(5) == [False, True, False]

    def test_no_pulse_is_longer_than_the_maximum(self, bus: Bus) -> None:
        relay = outputs.GpioRelay("drawer", 5, board.Board("mock"), bus, pulse_s=60)
        assert relay._pulse_s == outputs.LONGEST_PULSE_S

    async def test_stopping_ends_the_pulse(self, make: Any) -> None:
        rig = await make(drawer=5, drawer_pulse_s=1)
        rig.pins.drawer.open()
        pin = rig.pin(5)
        await rig.pins.drawer.stop()
        assert not pin.state
        assert not rig.pins.drawer.open()


class TestSensors:
    async def test_presence_is_held(self, make: Any, watch: Watch) -> None:
        pin = (rig := await make(presence=6)).pin(6)
        rig.pins.presence._hold_s = 3600
        pin.drive_high()
        await until(lambda: rig.pins.presence.present)
        pin.drive_low()
        await until(lambda: not rig.pins.presence.active)
        pin.drive_high()
        await until(lambda: rig.pins.presence.active)
        assert [e.present for e in watch.of(PresenceChanged)] == [True]
        rig.pins.presence._hold_s = 0.01
        pin.drive_low()
        await until(lambda: [e.present for e in watch.of(PresenceChanged)] == [True, False])

    async def test_somebody_who_stands_there_at_the_start_is_told(self, bus: Bus, watch: Watch) -> None:
        rig = Rig(bus, presence=6)
        rig.pins.board.factory = board.pin_factory("mock")
        pin = rig.pin(6)
        pin._set_pull = lambda value: pin._change_state(True)  # the sensor is stronger than the pull-down
        await rig.pins.presence.start()
        assert rig.pins.presence.present
        assert [e.present for e in watch.of(PresenceChanged)] == [True]
        await rig.pins.presence.stop()

    async def test_somebody_who_left_while_the_pin_was_let_go_is_told(self, make: Any, watch: Watch) -> None:
        rig = await make(presence=6, presence_hold_s=1)
        rig.pins.presence._hold_s = 0.01
        rig.pin(6).drive_high()
        await until(lambda: rig.pins.presence.present)
        await rig.pins.presence.stop()
        await rig.pins.presence.start()
        await until(lambda: [e.present for e in watch.of(PresenceChanged)] == [True, False])

    @pytest.mark.parametrize("good", ["high", "low"])
    async def test_power_that_fails_is_told_and_that_returns_too(
        self, make: Any, watch: Watch, monkeypatch: pytest.MonkeyPatch, good: str
    ) -> None:
        monkeypatch.setattr(inputs.GpioPower, "quiet_s", 0.02)
        rig = await make(power_good=12, power_good_level=good)
        pin = rig.pin(12)
        up, down = (pin.drive_high, pin.drive_low) if good == "high" else (pin.drive_low, pin.drive_high)
        up()
        await until(lambda: rig.pins.power.state == "ok" and rig.pins.power.active)
        before = len(watch.of(PowerFailing))
        down()
        await until(lambda: len(watch.of(PowerFailing)) == before + 1)
        assert rig.pins.power.state == "error"
        up()
        await until(lambda: watch.of(PowerBack))
        assert rig.pins.power.state == "ok"

    async def test_power_that_is_gone_at_the_start_is_told(
        self, make: Any, watch: Watch, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(inputs.GpioPower, "quiet_s", 0.02)
        await make(power_good=12)
        await until(lambda: watch.of(PowerFailing))


class TestBoard:
    async def test_all_devices_run_beside_one_another_and_let_go(self, make: Any, watch: Watch) -> None:
        rig = await make(**EVERYTHING)
        assert [d.kind for d in rig.pins.all()] == [
            "button",
            "lights",
            "buzzer",
            "drawer",
            "presence",
            "power",
        ]
        assert {d.state for d in rig.pins.all()} == {"ok"}
        for device in rig.pins.all():
            await device.stop()
        assert {d.state for d in rig.pins.all()} == {"absent"}

    async def test_can_be_started_again(self, make: Any, watch: Watch) -> None:
        rig = await make(button=17, red=22)
        for device in rig.pins.all():
            await device.stop()
        for device in rig.pins.all():
            await device.start()
        press(rig.pin(17))
        await until(lambda: watch.of(Pressed))

    async def test_without_a_board_the_devices_say_what_is_missing(self, bus: Bus) -> None:
        pins = Pins(Gpio(factory="lgpio", button=17, red=22), SimBench(bus), bus)
        devices: list[Device] = pins.all()
        for device in devices:
            await device.start()
        assert {d.state for d in devices} == {"error"}
        assert all('gpio.factory = "lgpio" does not work here' in d.detail for d in devices)
        for device in devices:
            await device.stop()

    async def test_a_pin_of_another_program_is_tried_again(
        self, bus: Bus, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(board, "AGAIN_S", 0.01)
        busy = [True]
        real = board.pin_factory

        def factory(name: str) -> Any:
            made = real(name)
            pin = made.pin
            made.pin = lambda p: (_ for _ in ()).throw(RuntimeError("GPIO busy")) if busy[0] else pin(p)
            return made

        monkeypatch.setattr(board, "pin_factory", factory)
        pins = Pins(Gpio(factory="mock", red=22, green=23), SimBench(bus), bus)
        await pins.lights.start()
        assert pins.lights.state == "error"
        assert "pin 22 cannot be used (GPIO busy)" in pins.lights.detail
        busy[0] = False
        await until(lambda: pins.lights.state == "ok")
        await pins.lights.stop()

    @pytest.mark.parametrize(
        ("settings", "told"),
        [
            ({"button": 17, "red": 17}, "gpio.red = 17: gpio.button has this pin already; choose another."),
            ({"buzzer": 0}, "gpio.buzzer = 0: pin 0 belongs to the identity chip of add-on boards"),
        ],
    )
    def test_a_pin_that_makes_no_sense_is_named(self, bus: Bus, settings: dict[str, int], told: str) -> None:
        with pytest.raises(HardwareError) as err:
            Pins(Gpio(factory="mock", **settings), SimBench(bus), bus)
        assert str(err.value).startswith(told)

    def test_without_a_factory_there_are_no_devices(self, bus: Bus) -> None:
        assert Pins(Gpio(**EVERYTHING), SimBench(bus), bus).all() == []
