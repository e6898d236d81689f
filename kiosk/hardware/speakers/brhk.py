"""brhk://SN: 博瑞皓科 speakers with a SIM card, which say any text.

`POST {base}/notify.php` with `id`, `token`, `version`, `message` (at most 128 bytes), `seq` (an integer; the service refuses
a repeat within 200 s with 17); the answer is `{"errcode": 0, "errmsg": ...}`. From the maker's guide 云音箱服务对接指南,
sections 二.1 and 3.1, as published in the public repository speaker_brhk. `version` is printed on the box's label.
"""

from __future__ import annotations

import json
import random
from typing import Any

import aiohttp

from kiosk.events import Bus
from kiosk.hardware.ports import Announcement, Can
from kiosk.hardware.speakers.cloud import CloudSpeaker, SpeakerError

BASE_URL = "https://speaker.17laimai.cn"
LONGEST = 128
"""Bytes of a message."""
REPEATED = 17
WHY = {
    2: "the service knows no speaker of this number; copy it from the label",
    3: "the speaker is bound to another account",
    5: "the speaker is bound to nobody; bind it first",
    6: "the speaker's number is missing",
    8: "the token has no right to this speaker",
    9: "the token is not valid",
}


class BrhkSpeaker(CloudSpeaker):
    """The speaker."""

    can: frozenset[Can] = frozenset({"text"})

    def __init__(
        self,
        name: str,
        url: str,
        bus: Bus,
        *,
        number: str,
        version: int,
        token: str,
        base_url: str = BASE_URL,
    ) -> None:
        super().__init__(name, url, bus)
        self._number, self._version, self._token = number, version, token
        self._base_url = base_url.rstrip("/")
        self._seq = random.randrange(1 << 32)
        self._last: tuple[str, int] | None = None
        self._session: aiohttp.ClientSession | None = None

    def part(self, announcement: Announcement) -> str:
        """Return the text, cut to 128 bytes between two characters."""
        return announcement.text.encode()[:LONGEST].decode("utf-8", "ignore")

    async def _open(self) -> None:
        self._session = aiohttp.ClientSession()

    async def _close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _send(self, part: str) -> None:
        assert self._session is not None
        form = {
            "id": self._number,
            "token": self._token,
            "version": str(self._version),
            "message": part,
            "seq": str(self._number_of(part)),
        }
        try:
            async with self._session.post(f"{self._base_url}/notify.php", data=form) as answer:
                raw = await answer.content.read(65536)
                status = answer.status
        except aiohttp.ClientError as err:
            # the text of these errors may hold the address, never the form with the token
            raise SpeakerError(f"the speakers' service cannot be reached ({type(err).__name__}).") from err
        self._judge(status, raw)
        self._last = None

    def _number_of(self, part: str) -> int:
        """Number an announcement; a second try keeps its number, so that it is not said twice."""
        if self._last is None or self._last[0] != part:
            self._seq = (self._seq + 1) % (1 << 32)
            self._last = (part, self._seq)
        return self._last[1]

    def _judge(self, status: int, raw: bytes) -> None:
        try:
            answer: Any = json.loads(raw)
            code = int(answer["errcode"])
        except (ValueError, TypeError, KeyError):
            raise SpeakerError(
                f"the speakers' service answers nothing that makes sense (HTTP {status})."
            ) from None
        if code in (0, REPEATED):
            return
        why = WHY.get(code, f"the speakers' service refuses (error {code})")
        raise SpeakerError(f"{why}.", final=code in WHY)
