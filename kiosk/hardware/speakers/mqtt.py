"""mqtt://host:1883/TOPIC: speakers that listen to a broker of the shop's own.

Two forms of message (`?form=`): `money`, `{"money": "12.50"}` on `/sub/topic/money/IMEI`, which says an amount received
(openLuat's cloud speaker demo for Air724/Air780); `clips`, the names of stored recordings joined by `-` in the JSON key that
the maker's sheet names (`key=`, facts: edge 3(e), "mqlinks type"), with the announcement's number in `order`. Neither was
seen on a device.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import struct
from typing import Literal
from urllib.parse import unquote, urlsplit

from kiosk.events import Bus
from kiosk.hardware.ports import Announcement, Can
from kiosk.hardware.speakers import mqtt_wire as wire
from kiosk.hardware.speakers.cloud import CloudSpeaker, SpeakerError

Form = Literal["money", "clips"]


class MqttSpeaker(CloudSpeaker):
    """The speaker."""

    def __init__(
        self,
        name: str,
        url: str,
        bus: Bus,
        *,
        form: Form,
        key: str = "wav",
        user: str = "",
        password: str = "",
    ) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 1883
        super().__init__(name, url, bus, f"the broker {self._host}:{self._port}")
        # a topic may begin with a slash of its own: mqtt://broker//sub/topic/money/866714
        self._topic = unquote(parts.path[1:])
        self._form, self._key, self._user, self._password = form, key, user, password
        self.can: frozenset[Can] = frozenset({"amount"} if form == "money" else {"clips"})
        self._orders: tuple[str, str] = ("", "")

    def part(self, announcement: Announcement) -> str:
        """Return the amount in yuan, or the names of the recordings."""
        if self._form == "clips":
            return announcement.clip
        return "" if announcement.amount is None else f"{announcement.amount / 100:.2f}"

    async def _send(self, part: str) -> None:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            await self._converse(reader, writer, part)
        except ValueError as err:
            raise SpeakerError("the broker answers nothing that makes sense.") from err
        except asyncio.IncompleteReadError as err:
            raise SpeakerError("the broker hung up.") from err
        finally:
            writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, part: str) -> None:
        writer.write(wire.connect(f"kiosk-{secrets.token_hex(6)}", self._user, self._password))
        kind, body = await _packet(reader)
        if kind != wire.CONNACK or len(body) != 2:
            raise ValueError("no CONNACK")
        if body[1]:
            why = wire.REFUSED.get(body[1], f"reason {body[1]}")
            raise SpeakerError(f"the broker refuses: {why}.", final=body[1] in (4, 5))
        writer.write(wire.publish(self._topic, self._payload(part), 1))
        kind, body = await _packet(reader)
        if kind != wire.PUBACK or body != struct.pack("!H", 1):
            raise ValueError("no PUBACK")
        self._orders = ("", "")
        writer.write(wire.disconnect())
        await writer.drain()

    def _payload(self, part: str) -> bytes:
        if self._form == "money":
            return json.dumps({"money": part}).encode()
        if self._orders[0] != part:  # a second try keeps its number, so that the speaker can tell
            self._orders = (part, secrets.token_hex(8))
        return json.dumps({self._key: part, "order": self._orders[1]}).encode()


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read one packet."""
    data = b""
    while (found := wire.take(data)) is None:
        data += await reader.readexactly(1)
    return found[0], found[1]
