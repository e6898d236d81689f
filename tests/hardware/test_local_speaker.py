"""The board's own sound card: one recording at a time, the latest wins, no card is no fault, no noise is ever played."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kiosk.config import Sound
from kiosk.events import Bus
from kiosk.hardware.ports import Announcement
from kiosk.hardware.speakers import local
from kiosk.hardware.speakers.local import (
    LocalSpeaker,
    find,
    has_card,
    is_recording,
    open_local,
    places,
    quiet_hours,
)
from kiosk.sounds import HERE
from tests.hardware.conftest import Watch, until

CARD = " 0 [vc4hdmi        ]: vc4-hdmi - vc4-hdmi\n                      vc4-hdmi\n"
NO_CARD = "--- no soundcards ---\n"
WAV = b"RIFF\x64\0\0\0WAVEfmt " + b"\0" * 100


class Bench:
    """A sound card and its player, which writes down what it is asked to play."""

    def __init__(self, tmp_path: Path, bus: Bus) -> None:
        self.log, self.cards, self.path = tmp_path / "played", tmp_path / "cards", tmp_path
        self.cards.write_text(CARD)
        self.log.touch()
        self.program = tmp_path / "aplay"
        self.plays("sleep 0")
        self.speaker = LocalSpeaker(
            "sound", [HERE / "zh_CN"], bus, device="plughw:1", program=str(self.program), cards=self.cards
        )

    def plays(self, how: str) -> None:
        self.program.write_text(
            f'#!/bin/sh\necho "begin $*" >> "{self.log}"\n{how}\necho "end $*" >> "{self.log}"\n'
        )
        self.program.chmod(self.program.stat().st_mode | stat.S_IXUSR)

    def lines(self, word: str = "begin") -> list[str]:
        return [line for line in self.log.read_text().splitlines() if line.startswith(word)]

    def say(self, clip: str) -> bool:
        return self.speaker.say(Announcement(text="x", clip=clip))


@pytest.fixture
async def bench(tmp_path: Path, bus: Bus) -> AsyncIterator[Bench]:
    made = Bench(tmp_path, bus)
    await made.speaker.start()
    yield made
    await made.speaker.stop()


async def test_an_outcome_is_played_on_the_card_that_was_named(bench: Bench) -> None:
    assert bench.say("confirmed")
    await until(lambda: bench.lines("end"))
    assert bench.lines() == [f"begin -q -D plughw:1 {HERE / 'zh_CN' / 'confirmed.wav'}"]
    assert bench.speaker.state == "ok"


async def test_the_latest_wins_and_cuts_the_one_before_short(bench: Bench) -> None:
    bench.plays("exec sleep 1000")
    bench.say("confirmed")
    await until(bench.lines)
    bench.plays("sleep 0")
    for clip in ("refused", "help", "retry"):
        assert bench.say(clip)
    await until(lambda: bench.lines("end"))
    played = [line.rpartition("/")[2] for line in bench.lines()]
    assert (played[0], played[-1]) == ("confirmed.wav", "retry.wav")
    assert "refused.wav" not in played


async def test_a_player_that_hangs_is_ended(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "LONGEST_S", 0.1)
    monkeypatch.setattr(local, "STOP_S", 0.1)
    pid = bench.path / "pid"
    bench.plays(f'trap "" TERM; echo $$ > "{pid}.new"; mv "{pid}.new" "{pid}"; exec sleep 1000')
    bench.say("confirmed")
    await until(pid.exists)
    await until(lambda: not Path(f"/proc/{pid.read_text().strip()}").exists(), "the player lives on")


async def test_without_a_card_nothing_is_said_and_with_one_it_goes_on(bench: Bench, watch: Watch) -> None:
    bench.cards.write_text(NO_CARD)
    assert not bench.say("confirmed")
    assert (bench.speaker.state, bench.speaker.detail) == (
        "absent",
        "there is no sound card; nothing is said.",
    )
    bench.cards.write_text(CARD)
    assert bench.say("confirmed")
    await until(lambda: bench.lines("end") and bench.speaker.state == "ok")
    assert bench.lines()


async def test_a_card_that_refuses_is_named_with_the_remedy(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.plays('echo "aplay: main:831: audio open error: Device or resource busy" >&2; exit 1')
    for _ in range(2):
        bench.say("confirmed")
        await until(lambda: bench.speaker.state == "error")
    assert "Device or resource busy" in bench.speaker.detail
    assert "sound.device" in bench.speaker.detail
    assert len([r for r in caplog.records if "does not play" in r.message]) == 1


async def test_a_program_that_is_not_installed_is_named(bench: Bench) -> None:
    bench.program.unlink()
    assert not bench.say("confirmed")
    assert "alsa-utils" in bench.speaker.detail


async def test_what_has_no_recording_is_not_said(bench: Bench) -> None:
    assert not bench.say("info")
    assert not bench.say("")
    assert not bench.lines()


async def test_before_the_start_and_after_the_stop_nothing_is_said(bench: Bench) -> None:
    await bench.speaker.stop()
    assert not bench.say("confirmed")


def test_a_shops_own_recordings_come_first_and_what_is_none_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "confirmed.wav").write_bytes(WAV)
    (tmp_path / "refused.wav").write_bytes(b"ID3 this would be noise" * 10)
    found = places(str(tmp_path), "en")
    assert find("confirmed", found) == tmp_path / "confirmed.wav"
    assert find("refused", found) == HERE / "en" / "refused.wav"
    assert find("help", found) == HERE / "en" / "help.wav"
    assert "refused.wav is no WAV file" in caplog.text
    assert places(str(tmp_path / "nothing"), "en") == [HERE / "en"]
    assert "sound.clips" in caplog.text


def test_what_is_no_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.wav"
    assert not is_recording(path)
    path.write_bytes(WAV)
    assert is_recording(path)
    monkeypatch.setattr(local, "LARGEST", 100)
    assert not is_recording(path)
    path.write_bytes(b"RIFF")
    assert not is_recording(path)


@pytest.mark.parametrize(("told", "there"), [(CARD, True), (NO_CARD, False), ("", False), (None, False)])
def test_cards(told: str | None, there: bool, tmp_path: Path) -> None:
    if told is not None:
        (tmp_path / "cards").write_text(told)
    assert has_card(tmp_path / "cards") is there


def test_a_board_without_a_card_has_no_speaker_unless_one_is_named(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "has_card", lambda: False)
    assert open_local(Sound(), "en", bus) is None
    assert open_local(Sound(device="plughw:1"), "en", bus) is not None
    monkeypatch.setattr(local, "has_card", lambda: True)
    assert open_local(Sound(), "en", bus) is not None
    assert open_local(Sound(speech=False), "en", bus) is None


@pytest.mark.parametrize(("hour", "quiet"), [(7, True), (8, False), (21, False), (22, True), (0, True)])
def test_quiet_hours_may_go_past_midnight(hour: int, quiet: bool) -> None:
    now = datetime(2026, 11, 24, hour, tzinfo=UTC)
    assert quiet_hours(Sound(quiet_from="22:00", quiet_to="08:00"), lambda: now)() is quiet


def test_without_quiet_hours_it_is_never_quiet() -> None:
    assert quiet_hours(Sound())() is False
