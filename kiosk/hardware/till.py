"""serial:///dev/... and socket://host:port tills: baskets come as lines, answers go back as lines (`till_line`)."""

from __future__ import annotations

import asyncio

from kiosk.events import Bus
from kiosk.hardware.address import parse
from kiosk.hardware.kept import Kept, beside
from kiosk.hardware.streams import Stream, open_stream
from kiosk.hardware.till_line import Form, Lines, publish, read, write

WRITE_S = 1.0
WAITING = 20
"""Answers that may wait for a till that is slow to take them; the oldest gives way."""


class StreamTill(Kept):
    """A cash register at the end of a stream of bytes."""

    kind = "till"

    def __init__(self, name: str, url: str, bus: Bus) -> None:
        self._address = parse(f"till {name}", url)
        super().__init__(name, url, self._address.place, bus)
        self._form: Form = "json"
        self._answers: asyncio.Queue[bytes] = asyncio.Queue(WAITING)

    def answer(self, message: dict[str, object]) -> bool:
        """Send an answer in the form that the till used last."""
        if self._state != "ok":
            return False
        if self._answers.full():
            self._answers.get_nowait()
        self._answers.put_nowait(write(message, self._form))
        return True

    async def _open(self) -> Stream:
        return await open_stream(self._address)

    async def _serve(self, stream: Stream) -> None:
        while not self._answers.empty():
            self._answers.get_nowait()  # they belong to a sale from before the outage
        await beside(self._listen(stream), self._tell(stream))

    async def _tell(self, stream: Stream) -> None:
        while True:
            data = await self._answers.get()
            async with asyncio.timeout(WRITE_S):
                await stream.write(data)

    async def _listen(self, stream: Stream) -> None:
        lines = Lines()
        while True:
            for raw in lines.feed(await stream.read()):
                self._heard(raw)

    def _heard(self, raw: bytes | None) -> None:
        line = read(raw)
        self._form = line.form
        if line.trouble:
            self._go("ok", f"its last line was not understood: {line.trouble}")
            self.answer({"error": line.trouble})
            return
        self._go("ok", "")
        publish(self._bus, self.name, line)
