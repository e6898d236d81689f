"""The contract of speakers: two kinds of cloud speaker against their services, the simulated one. Faults have one name on all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import pytest

from kiosk.events import Bus
from kiosk.hardware import sim_speaker
from kiosk.hardware.ports import Announcement
from kiosk.hardware.sim import SimBench
from kiosk.hardware.speakers import cloud
from kiosk.hardware.speakers.factory import open_speaker
from simulators import panels_speaker
from simulators.panels_speaker import SpeakerSim
from tests.hardware.conftest import Watch, until

DONE = Announcement(text="核销成功", clip="confirmed", amount=300)
LATER = Announcement(text="请到收银台", clip="help", amount=400)
KINDS = ("brhk", "clips", "money", "sim")


class Rig(ABC):
    """A speaker and who listens."""

    device: Any

    @abstractmethod
    def part(self, announcement: Announcement) -> str:
        """Return what of an announcement this speaker says."""

    @abstractmethod
    def heard(self) -> list[str]:
        """Return what was said, each thing once, as somebody in the shop hears it."""

    @abstractmethod
    def fault(self, name: str) -> None:
        """Give it a fault: gone, silent, noise, wrong, slow, chatter; `none` mends it."""


class CloudRig(Rig):
    """A speaker behind a service."""

    FAULTS: ClassVar = {"gone": "hang_up", "noise": "garbage", "wrong": "bad_token", "chatter": "lost_answer"}

    def __init__(self, kind: str, service: SpeakerSim, bus: Bus) -> None:
        self.service = service
        if kind == "brhk":
            url, words = "brhk://10000091?version=3", {"token": "secret", "base_url": service.address}
        else:
            url = f"mqtt://127.0.0.1:{service.mqtt_port}//sub/topic/X?form={kind}"
            words = {"token": "secret", "user": "u"}
        self.device = open_speaker("counter", url, SimBench(bus), bus, **words)

    def part(self, announcement: Announcement) -> str:
        return str(self.device.part(announcement))

    def heard(self) -> list[str]:
        said = [str(s.get("message") or s.get("wav") or s.get("money")) for s in self.service.said]
        return list(dict.fromkeys(said))

    def fault(self, name: str) -> None:
        self.service.set_fault(self.FAULTS.get(name, name))


class SimRig(Rig):
    """The simulated one of the demo."""

    def __init__(self, bus: Bus) -> None:
        self.bench = SimBench(bus)
        self.device = open_speaker("counter", "sim://", self.bench, bus)

    def part(self, announcement: Announcement) -> str:
        return announcement.text

    def heard(self) -> list[str]:
        return self.bench.said["counter"]

    def fault(self, name: str) -> None:
        self.bench.fault("speaker:counter", name)


@pytest.fixture(params=KINDS)
async def rig(
    request: pytest.FixtureRequest, bus: Bus, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Rig]:
    monkeypatch.setattr(cloud, "RETRY_S", 0.02)
    monkeypatch.setattr(cloud, "SEND_S", 0.5)
    monkeypatch.setattr(sim_speaker, "SLOW_S", 0.05)
    monkeypatch.setattr(panels_speaker, "SLOW_S", 0.05)
    service = SpeakerSim()
    await service.start()
    made: Rig = SimRig(bus) if request.param == "sim" else CloudRig(request.param, service, bus)
    await made.device.start()
    yield made
    await made.device.stop()
    await service.stop()


class TestEverySpeaker:
    async def test_it_says_what_it_can_and_nothing_else(self, rig: Rig) -> None:
        assert rig.device.can
        assert rig.device.say(DONE)
        await until(lambda: rig.heard() == [rig.part(DONE)])
        assert not rig.device.say(Announcement())
        assert rig.device.state == "ok"

    async def test_a_slow_one_says_it_late_and_once(self, rig: Rig) -> None:
        rig.fault("slow")
        assert rig.device.say(DONE)
        await until(lambda: rig.heard() == [rig.part(DONE)])
        rig.fault("none")
        rig.device.say(LATER)
        await until(lambda: rig.heard() == [rig.part(DONE), rig.part(LATER)])

    async def test_what_it_hears_twice_it_says_once(self, rig: Rig) -> None:
        rig.fault("chatter")
        rig.device.say(DONE)
        await until(lambda: rig.heard() == [rig.part(DONE)])
        await until(lambda: rig.device.state == "ok")

    @pytest.mark.parametrize("fault", ["gone", "silent", "noise", "wrong"])
    async def test_one_in_trouble_is_named_and_speaks_again_once_mended(self, rig: Rig, fault: str) -> None:
        rig.fault(fault)
        rig.device.say(DONE)
        await until(lambda: rig.device.state in ("error", "absent"))
        assert rig.device.detail
        assert "secret" not in rig.device.detail
        rig.fault("none")
        rig.device.say(LATER)
        await until(lambda: rig.heard()[-1:] == [rig.part(LATER)])
        await until(lambda: rig.device.state == "ok")

    async def test_it_is_silent_once_stopped(self, rig: Rig) -> None:
        await rig.device.stop()
        assert rig.device.state == "absent"
        rig.device.say(DONE)
        assert rig.heard() == []
