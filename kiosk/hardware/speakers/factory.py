"""Addresses of speakers, and speech that follows the counter's outcomes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from kiosk.events import Bus, Outcome
from kiosk.hardware.ports import Announcement, HardwareError, Speaker
from kiosk.hardware.sim import SimBench
from kiosk.hardware.sim_speaker import SimSpeaker

KNOWN = "brhk://SN?version=1, mqtt://host:1883/TOPIC?form=clips, sim://"
OPTIONS = {"brhk": ("version",), "mqtt": ("form", "key")}
CLIPS = {
    "confirmed": "confirmed",
    "accepted": "accepted",
    "refused": "refused",
    "help": "help",
    "printed": "printed",
}
"""Names of the recordings that a speaker with stored clips is asked for."""


def open_speaker(
    name: str, url: str, bench: SimBench, bus: Bus, *, token: str = "", user: str = "", base_url: str = ""
) -> Speaker:
    """Build a speaker; the token is the account's (brhk) or the broker's password (mqtt)."""
    parts = urlsplit(url)
    if parts.scheme == "sim":
        return SimSpeaker(name, bench, bus)
    if parts.scheme not in OPTIONS:
        raise HardwareError(f"speaker {name}: {url} is no speaker address; there are {KNOWN}.")
    options = _options(name, url, parts.query, OPTIONS[parts.scheme])
    if parts.scheme == "mqtt":
        return _mqtt(name, url, bus, options, user, token)
    return _brhk(name, url, bus, options, token, base_url)


def _options(name: str, url: str, query: str, known: tuple[str, ...]) -> dict[str, str]:
    given = dict(parse_qsl(query, keep_blank_values=True))
    if unknown := sorted(set(given) - set(known)):
        raise HardwareError(
            f"speaker {name}: {unknown[0]} in {url} means nothing here; there are {', '.join(known)}."
        )
    return given


def _brhk(name: str, url: str, bus: Bus, options: dict[str, str], token: str, base_url: str) -> Speaker:
    from kiosk.hardware.speakers.brhk import BASE_URL, BrhkSpeaker

    number, version = urlsplit(url).netloc, options.get("version", "1")
    if not number:
        raise HardwareError(
            f"speaker {name}: {url} names no speaker; write brhk://SN with the number on its label."
        )
    if version not in "123456789" or not version:
        raise HardwareError(
            f"speaker {name}: version={version} is not on any label; it is a digit from 1 to 9."
        )
    if not token:
        raise HardwareError(f"speaker {name}: there is no token; ask the maker for one and set token_file.")
    return BrhkSpeaker(
        name, url, bus, number=number, version=int(version), token=token, base_url=base_url or BASE_URL
    )


def _mqtt(name: str, url: str, bus: Bus, options: dict[str, str], user: str, token: str) -> Speaker:
    from kiosk.hardware.speakers.mqtt import Form, MqttSpeaker

    parts, form = urlsplit(url), options.get("form", "clips")
    try:
        complete = bool(parts.hostname) and len(parts.path) > 1 and (parts.port or 1883) > 0
    except ValueError:
        complete = False
    if not complete:
        raise HardwareError(
            f"speaker {name}: {url} names no broker and topic; write mqtt://192.168.1.5:1883/TOPIC."
        )
    if form not in ("money", "clips"):
        raise HardwareError(f"speaker {name}: form={form} means nothing; there are clips, money.")
    words: dict[str, Any] = {"key": options["key"]} if options.get("key") else {}
    return MqttSpeaker(name, url, bus, form=cast("Form", form), user=user, password=token, **words)


def follow(bus: Bus, speakers: Sequence[Speaker]) -> Callable[[], None]:
    """Let speakers say the title of every outcome; return what ends it."""

    def told(outcome: Outcome) -> None:
        for speaker in speakers:
            speaker.say(Announcement(text=outcome.title, clip=CLIPS.get(outcome.kind, "")))

    return bus.on(Outcome, told)
