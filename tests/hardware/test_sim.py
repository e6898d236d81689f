"""Simulated devices, as the page of simulated devices works them."""

from __future__ import annotations

import pytest

from kiosk.config import Gpio
from kiosk.coupons.basket import Basket
from kiosk.events import Bus, DeviceState, LightsChanged, Pressed, Sounded
from kiosk.hardware import sim_display, sim_inputs, sim_scanner, sim_speaker, sim_till
from kiosk.hardware.factory import Pins, open_display, open_scanner, open_till
from kiosk.hardware.ports import Announcement, Device
from kiosk.hardware.signals import PowerBack, PowerFailing, PresenceChanged
from kiosk.hardware.sim import FAULTS, KEEP, SimBench
from kiosk.hardware.speakers.factory import open_speaker
from tests.hardware.conftest import Watch, until
from tests.hardware.test_gpio import EVERYTHING


class Bench:
    """One of each."""

    def __init__(self, bus: Bus) -> None:
        self.bench = SimBench(bus)
        self.pins = Pins(Gpio(factory="sim", **EVERYTHING), self.bench, bus)
        self.scanner = open_scanner("till", "sim://", self.bench, bus)
        self.display = open_display("counter", "sim://", self.bench, bus)
        self.speaker = open_speaker("counter", "sim://", self.bench, bus)
        self.till = open_till("front", "sim://", self.bench, bus)
        self.devices: list[Device] = [*self.pins.all(), self.scanner, self.display, self.speaker, self.till]


@pytest.fixture
async def sim(bus: Bus, watch: Watch) -> Bench:
    made = Bench(bus)
    for device in made.devices:
        await device.start()
    return made


async def test_there_is_one_of_each_kind(sim: Bench, bus: Bus) -> None:
    assert sim.bench.present
    assert not SimBench(bus).present
    assert {d.kind for d in sim.devices} == set(FAULTS)
    assert {(d.state, d.detail, d.url) for d in sim.devices} == {("ok", "simulated", "sim://")}


async def test_before_the_start_nothing_works(bus: Bus, watch: Watch) -> None:
    made = Bench(bus)
    assert {d.state for d in made.devices} == {"starting"}
    assert not made.bench.press()
    assert not made.bench.scan("till", "C1:A")
    assert not made.pins.drawer.open()
    made.pins.lights.show("red", "steady", 1)
    made.pins.buzzer.play(".")
    assert watch.events == []


async def test_a_press_and_a_scan_are_told(sim: Bench, watch: Watch) -> None:
    assert sim.bench.press()
    assert sim.bench.scan("till", "]Q1C1:A ")
    assert [e.button for e in watch.of(Pressed)] == ["button"]
    assert watch.codes == ["C1:A"]
    assert not sim.bench.press("other")
    assert not sim.bench.scan("other", "C1:A")
    assert "C1:A" not in str(sim.bench.state()), "what is scanned may be a payment code"


async def test_lights_go_dark_after_their_time(sim: Bench, watch: Watch) -> None:
    sim.pins.lights.show("green", "double", 0.05)
    assert sim.bench.lights == {"colour": "green", "pattern": "double", "seconds": 0.05}
    await until(lambda: sim.bench.lights["colour"] == "off")
    assert [e.colour for e in watch.of(LightsChanged)] == ["green", "off"]


async def test_the_latest_light_wins(sim: Bench, watch: Watch) -> None:
    sim.pins.lights.show("green", "steady", 0.02)
    sim.pins.lights.show("red", "steady", 3600)
    await sim.pins.lights.stop()
    assert [e.colour for e in watch.of(LightsChanged)] == ["green", "red", "off"]


async def test_sounds_are_kept_but_not_for_ever(sim: Bench, watch: Watch) -> None:
    for _ in range(KEEP + 10):
        sim.pins.buzzer.play("..")
    assert len(sim.bench.sounds) == KEEP
    assert len(watch.of(Sounded)) == KEEP + 10


async def test_a_display_shows_the_last_again_when_it_is_back(sim: Bench) -> None:
    shown = {"data": "https://q.example.cn/c/S1", "lines": ["老王便利店"]}
    sim.display.show_code(shown["data"], ("老王便利店",))  # type: ignore[attr-defined]
    assert sim.bench.displays == {"counter": shown}
    sim.bench.fault("display:counter", "gone")
    assert sim.bench.displays == {}
    sim.display.show_code("new", ())  # type: ignore[attr-defined]
    assert sim.bench.displays == {}
    sim.bench.fault("display:counter", "none")
    assert sim.bench.displays == {"counter": {"data": "new", "lines": []}}


async def test_the_drawer_and_the_sensors_are_told(sim: Bench, watch: Watch) -> None:
    assert sim.pins.drawer.open()
    assert sim.bench.drawers == {"drawer": 1}
    for present in (True, False, False, True):
        sim.pins.presence.see(present)
    assert [e.present for e in watch.of(PresenceChanged)] == [False, True]
    sim.pins.power.cut()
    assert sim.pins.power.state == "error"
    sim.pins.power.back()
    assert sim.pins.power.state == "ok"
    assert (len(watch.of(PowerFailing)), len(watch.of(PowerBack))) == (1, 1)


@pytest.mark.parametrize(("device", "fault"), [(k, f) for k, faults in FAULTS.items() for f in faults])
async def test_every_fault_shows_and_mends(sim: Bench, device: str, fault: str) -> None:
    key = next(k for k in sim.bench.all if k.startswith(f"{device}:"))
    sim.bench.fault(key, fault)
    found = sim.bench.all[key]
    told = sim.bench.state()["devices"][key]
    assert (told["state"], told["fault"]) == (found.state, found.fault) == (FAULTS[device][fault][0], fault)
    assert found.detail
    sim.bench.fault(key, "none")
    assert (found.state, found.detail) == ("ok", "simulated")


async def test_a_broken_button_presses_nothing(sim: Bench, watch: Watch) -> None:
    sim.bench.fault("button:button", "stuck")
    assert not sim.bench.press()
    assert watch.of(Pressed) == []


async def test_what_is_late_is_lost_when_it_stops(
    sim: Bench, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (sim_scanner, sim_inputs, sim_till, sim_speaker, sim_display):
        monkeypatch.setattr(module, "SLOW_S", 3600)
    for device in ("scanner:till", "button:button", "till:front", "speaker:counter", "display:counter"):
        sim.bench.fault(device, "slow")
    assert sim.bench.scan("till", "C1:B")
    assert sim.bench.press()
    assert sim.bench.tills["front"].push(Basket(total=1))
    assert sim.speaker.say(Announcement(text="x"))  # type: ignore[attr-defined]
    sim.display.show_code("late", ())  # type: ignore[attr-defined]
    for device in sim.devices:
        await device.stop()
    assert [e for e in watch.events if not isinstance(e, DeviceState)] == []
    assert sim.bench.said == {"counter": []}
    assert sim.bench.displays == {}


@pytest.mark.parametrize(
    ("device", "fault", "told"),
    [
        ("scanner:other", "gone", "there is no simulated scanner:other; there are button:button, "),
        (
            "scanner:till",
            "stuck",
            "a scanner has no fault stuck; there are none, gone, noise, chatter, slow, wrong.",
        ),
    ],
)
async def test_a_fault_that_is_none_is_named(sim: Bench, device: str, fault: str, told: str) -> None:
    with pytest.raises(ValueError, match=r"\.$") as err:
        sim.bench.fault(device, fault)
    assert str(err.value).startswith(told)


async def test_who_listens_is_told_until_he_stops(sim: Bench) -> None:
    heard: list[int] = []
    off = sim.bench.listen(lambda: heard.append(sim.bench.version))
    sim.bench.press()
    off()
    sim.bench.press()
    assert heard == [1]


async def test_the_log_is_bounded(sim: Bench) -> None:
    for _ in range(200):
        sim.bench.press()
    assert len(sim.bench.log) == KEEP + 1
    assert len(sim.bench.state()["log"]) == 12
