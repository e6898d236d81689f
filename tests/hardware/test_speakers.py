"""Cloud speakers against a service and a broker: said once, said in time, or named."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.events import Bus, Outcome
from kiosk.hardware.ports import Announcement, HardwareError
from kiosk.hardware.sim import SimBench
from kiosk.hardware.speakers import cloud
from kiosk.hardware.speakers import mqtt_wire as wire
from kiosk.hardware.speakers.brhk import LONGEST
from kiosk.hardware.speakers.factory import follow, open_speaker
from simulators.panels_speaker import SpeakerSim
from tests.hardware.conftest import Watch, until

DONE = Announcement(text="核销成功", clip="confirmed", amount=300)
LATER = Announcement(text="请到收银台", clip="help", amount=400)


@pytest.fixture(autouse=True)
def _sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloud, "RETRY_S", 0.02)


@pytest.fixture
async def service() -> AsyncIterator[SpeakerSim]:
    made = SpeakerSim()
    await made.start()
    yield made
    await made.stop()


def build(kind: str, service: SpeakerSim, bus: Bus) -> Any:
    if kind == "brhk":
        url, words = "brhk://10000091?version=3", {"token": "secret", "base_url": service.address}
    else:
        url, words = (
            f"mqtt://127.0.0.1:{service.mqtt_port}//sub/topic/X?form={kind}",
            {"token": "pw", "user": "u"},
        )
    return open_speaker("counter", url, SimBench(bus), bus, **words)


@pytest.fixture(params=["brhk", "clips", "money"])
async def speaker(
    request: pytest.FixtureRequest, service: SpeakerSim, bus: Bus, watch: Watch
) -> AsyncIterator[Any]:
    made = build(request.param, service, bus)
    await made.start()
    yield made
    await made.stop()


def words(service: SpeakerSim) -> list[str]:
    """Return what was said, whatever the form."""
    return [str(s.get("message") or s.get("wav") or s.get("money")) for s in service.said]


def expected(speaker: Any, *said: Announcement) -> list[str]:
    return [speaker.part(a) for a in said]


class TestEverySpeaker:
    async def test_says_what_it_can_say(self, speaker: Any, service: SpeakerSim) -> None:
        assert speaker.say(DONE)
        await until(lambda: words(service) == expected(speaker, DONE))
        await until(lambda: speaker.detail.startswith("taken by the service"))
        assert speaker.state == "ok"
        assert speaker.experimental

    async def test_says_nothing_that_it_cannot_say(self, speaker: Any, service: SpeakerSim) -> None:
        assert not speaker.say(Announcement())
        assert service.tries == 0

    async def test_the_latest_wins_while_the_service_is_away(self, speaker: Any, service: SpeakerSim) -> None:
        service.set_fault("hang_up")
        speaker.say(DONE)
        await until(lambda: speaker.state == "error")
        speaker.say(LATER)
        assert speaker.dropped == 1
        service.set_fault("none")
        await until(lambda: words(service) == expected(speaker, LATER))
        await until(lambda: speaker.state == "ok")

    async def test_nothing_is_said_late(
        self, speaker: Any, service: SpeakerSim, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert cloud.OLDEST_S == 15
        monkeypatch.setattr(cloud, "OLDEST_S", 0.1)
        service.set_fault("hang_up")
        speaker.say(DONE)
        await until(lambda: speaker.dropped == 1)
        service.set_fault("none")
        monkeypatch.setattr(cloud, "OLDEST_S", 15)
        speaker.say(LATER)
        await until(lambda: service.said)
        assert words(service) == expected(speaker, LATER)

    @pytest.mark.parametrize("fault", ["garbage", "hang_up", "silent"])
    async def test_a_service_in_trouble_is_named_and_tried_again(
        self, speaker: Any, service: SpeakerSim, monkeypatch: pytest.MonkeyPatch, fault: str
    ) -> None:
        monkeypatch.setattr(cloud, "SEND_S", 0.3)
        service.set_fault(fault)
        speaker.say(DONE)
        await until(lambda: speaker.state == "error" and service.tries > 1)
        assert speaker.detail.endswith(".")
        assert "secret" not in speaker.detail
        service.set_fault("none")
        await until(lambda: words(service) == expected(speaker, DONE))
        await until(lambda: speaker.state == "ok")

    async def test_what_is_refused_for_good_is_not_tried_again(
        self, speaker: Any, service: SpeakerSim, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        service.set_fault("bad_token")
        speaker.say(DONE)
        await until(lambda: speaker.state == "error")
        assert "token is not valid" in speaker.detail or "password is wrong" in speaker.detail
        await until(lambda: speaker._next is None, "it is given up")
        assert service.tries == 1
        service.set_fault("none")
        speaker.say(LATER)
        await until(lambda: service.said)
        assert words(service) == expected(speaker, LATER)
        assert "secret" not in caplog.text

    async def test_an_answer_that_is_lost_leads_to_the_same_number(
        self, speaker: Any, service: SpeakerSim
    ) -> None:
        service.set_fault("lost_answer")
        speaker.say(DONE)
        await until(lambda: speaker.detail.startswith("taken by the service"))
        if "text" in speaker.can:
            assert len(service.said) == 1, "the service refuses the repeat, and it counts as said"
        elif "clips" in speaker.can:
            assert len({s["order"] for s in service.said}) == 1, "the speaker can tell a repeat"
        speaker.say(DONE)
        await until(lambda: service.tries == 3)


def test_brhk_sends_what_the_guide_has(service: SpeakerSim, bus: Bus) -> None:
    speaker = build("brhk", service, bus)
    assert speaker.part(DONE) == "核销成功"
    long = speaker.part(Announcement(text="满" * 100))
    assert long == "满" * (LONGEST // 3)


async def test_brhk_forms_are_those_of_the_guide(service: SpeakerSim, bus: Bus) -> None:
    speaker = build("brhk", service, bus)
    await speaker.start()
    for _ in range(2):
        speaker.say(DONE)
        await until(lambda: speaker._next is None)
    await speaker.stop()
    first, second = service.said
    assert {k: first[k] for k in ("id", "token", "version", "message")} == {
        "id": "10000091",
        "token": "secret",
        "version": "3",
        "message": "核销成功",
    }
    assert set(first) == {"id", "token", "version", "message", "seq"}
    assert int(second["seq"]) == (int(first["seq"]) + 1) % 2**32, (
        "said again on purpose, it is another number"
    )


class TestMqttBytes:
    def test_packets_are_those_of_the_standard(self) -> None:
        # MQTT 3.1.1, figure 3.6 and table 2.4: 321 is encoded as C1 02.
        assert wire.connect("a", "", "") == b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x1e\x00\x01a"
        assert wire.connect("a", "u", "p")[2:12] == b"\x00\x04MQTT\x04\xc2\x00\x1e"
        assert wire.publish("a/b", b"x", 10) == b"\x32\x08\x00\x03a/b\x00\x0ax"
        assert wire.publish("a/b", b"x", 10, again=True)[0] == 0x3A
        assert wire.packet(0x30, b"x" * 321)[1:3] == b"\xc1\x02"
        assert wire.disconnect() == b"\xe0\x00"

    @given(st.integers(0, 255), st.binary(max_size=400), st.binary(max_size=10))
    def test_a_packet_is_taken_as_it_was_made(self, kind: int, body: bytes, rest: bytes) -> None:
        raw = wire.packet(kind, body)
        assert wire.take(raw + rest) == (kind, body, rest)
        assert all(wire.take(raw[:n]) is None for n in range(len(raw)))

    def test_a_length_that_cannot_be_is_refused(self) -> None:
        with pytest.raises(ValueError, match="four bytes"):
            wire.take(b"\xff" * 6)

    async def test_messages_have_the_forms_of_their_makers(self, service: SpeakerSim, bus: Bus) -> None:
        money, clips = build("money", service, bus), build("clips", service, bus)
        assert json.loads(money._payload(money.part(Announcement(amount=1250)))) == {"money": "12.50"}
        told = json.loads(clips._payload("confirmed"))
        assert (told["wav"], len(told["order"])) == ("confirmed", 16)
        assert money.part(Announcement(amount=0)) == "0.00"
        assert money._topic == "/sub/topic/X"


async def test_speech_follows_the_outcomes(bus: Bus, watch: Watch) -> None:
    bench = SimBench(bus)
    speaker = open_speaker("counter", "sim://", bench, bus)
    await speaker.start()
    off = follow(bus, [speaker])
    bus.publish(Outcome(kind="confirmed", title="核销成功"))
    off()
    bus.publish(Outcome(kind="refused", title="不可用"))
    assert bench.said == {"counter": ["核销成功"]}
    await speaker.stop()
    assert not speaker.say(DONE)


async def test_a_coupon_is_never_told_as_money_received(service: SpeakerSim, bus: Bus) -> None:
    speaker = build("money", service, bus)
    await speaker.start()
    off = follow(bus, [speaker])
    bus.publish(Outcome(kind="confirmed", title="核销成功"))
    off()
    assert speaker._next is None
    await speaker.stop()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://x", "http://x is no speaker address; there are brhk://SN?version=1,"),
        ("brhk://", "brhk:// names no speaker; write brhk://SN with the number on its label."),
        ("brhk://1?version=10", "version=10 is not on any label; it is a digit from 1 to 9."),
        ("brhk://1?vol=10", "vol in brhk://1?vol=10 means nothing here; there are version."),
        ("mqtt://broker", "names no broker and topic; write mqtt://192.168.1.5:1883/TOPIC."),
        ("mqtt://broker:x/t", "names no broker and topic"),
        ("mqtt://broker/t?form=song", "form=song means nothing; there are clips, money."),
    ],
)
def test_a_bad_address_is_one_sentence(url: str, told: str, bus: Bus) -> None:
    with pytest.raises(HardwareError) as err:
        open_speaker("counter", url, SimBench(bus), bus, token="x")
    assert str(err.value).startswith("speaker counter: ")
    assert told in str(err.value)


def test_a_missing_token_is_named(bus: Bus) -> None:
    with pytest.raises(HardwareError, match="there is no token; ask the maker for one and set token_file"):
        open_speaker("counter", "brhk://1", SimBench(bus), bus)
