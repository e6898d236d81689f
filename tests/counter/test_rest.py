"""The screen rests while nobody is there, wakes for whoever comes, and believes no sensor that does not work."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.config import Gpio
from kiosk.counter.rest import Nobody, Rest, RestChanged, resting
from kiosk.events import Bus, Event, Outcome, Pressed, Scanned
from kiosk.hardware.factory import Pins
from kiosk.hardware.sim import SimBench
from kiosk.hardware.sim_inputs import SimPresence
from tests.hardware.conftest import Watch, until

SOON = 0.05


@given(
    st.sampled_from(["dim", "dark", "stay"]),
    st.sampled_from(["ok", "absent", "error", "starting"]),
    st.booleans(),
    st.floats(0, 1000),
)
def test_it_rests_only_when_a_sensor_that_works_has_seen_nobody_long_enough(
    nobody: Nobody, sensor: str, present: bool, quiet_s: float
) -> None:
    told = resting(nobody, sensor, present, quiet_s, 300)  # type: ignore[arg-type]
    rests = nobody != "stay" and sensor == "ok" and not present and quiet_s >= 300
    assert told == (nobody if rests else "awake")


class Corner:
    """A sensor and what follows it."""

    def __init__(self, bus: Bus, nobody: Nobody, after_s: float) -> None:
        self.bench = SimBench(bus)
        self.sensor: SimPresence = Pins(Gpio(factory="sim", presence=6), self.bench, bus).presence
        self.sensor.present = False
        self.rest = Rest(bus, self.sensor, nobody, after_s)


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
def watch(bus: Bus) -> Watch:
    return Watch(bus)


@pytest.fixture
async def make(bus: Bus) -> AsyncIterator[Callable[..., Corner]]:
    corners: list[Corner] = []

    def made(nobody: Nobody = "dim", after_s: float = SOON) -> Corner:
        corners.append(Corner(bus, nobody, after_s))
        return corners[-1]

    yield made
    for corner in corners:
        corner.rest.stop()
        await corner.sensor.stop()


async def test_it_rests_when_nobody_is_there_and_wakes_when_somebody_comes(
    make: Callable[..., Corner], watch: Watch
) -> None:
    corner = make()
    await corner.sensor.start()
    corner.rest.start()
    await until(lambda: corner.rest.state == "dim")
    corner.sensor.see(True)
    assert corner.rest.state == "awake", "at once, not with the next look"
    corner.sensor.see(False)
    await until(lambda: corner.rest.state == "dim")
    assert [e.state for e in watch.of(RestChanged)] == ["dim", "awake", "dim"]


async def test_it_stays_awake_while_somebody_stands_there(make: Callable[..., Corner]) -> None:
    corner = make()
    await corner.sensor.start()
    corner.sensor.see(True)
    corner.rest.start()
    await until(lambda: corner.rest._timer is None, "the time is over")
    assert corner.rest.state == "awake"


@pytest.mark.parametrize(
    "event", [Pressed(), Scanned(text="C1:A", scanner="till"), Outcome(kind="info", title="x")]
)
async def test_whatever_happens_wakes_it(make: Callable[..., Corner], bus: Bus, event: Event) -> None:
    corner = make("dark")
    await corner.sensor.start()
    corner.rest.start()
    await until(lambda: corner.rest.state == "dark")
    bus.publish(event)
    assert corner.rest.state == "awake"
    await until(lambda: corner.rest.state == "dark", "and it rests again")


async def test_a_sensor_that_goes_wakes_it(make: Callable[..., Corner]) -> None:
    corner = make()
    await corner.sensor.start()
    corner.rest.start()
    await until(lambda: corner.rest.state == "dim")
    corner.bench.fault("presence:presence", "gone")
    assert corner.rest.state == "awake"
    corner.bench.fault("presence:presence", "none")
    await until(lambda: corner.rest.state == "dim")


async def test_without_a_sensor_and_after_the_end_it_is_awake(make: Callable[..., Corner], bus: Bus) -> None:
    alone = Rest(bus, None, "dark", 0.0)
    alone.start()
    corner = make()
    await corner.sensor.start()
    corner.rest.start()
    await until(lambda: corner.rest.state == "dim")
    corner.rest.stop()
    bus.publish(Pressed())
    assert (alone.state, corner.rest.state, corner.rest._timer) == ("awake", "awake", None)
