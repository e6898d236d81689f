"""A display at the end of a stream: the latest view wins, and is sent again after each reconnect and once a minute.

Most displays say nothing, so "shown" is a hope: the state says `not confirmed` there. A display that answers is believed
only once it has: one that never does, or says no, is an error with its reason.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from kiosk.events import Bus
from kiosk.hardware.address import Address
from kiosk.hardware.displays.language import Language, Reply, Step
from kiosk.hardware.kept import Kept, beside
from kiosk.hardware.streams import Stream, open_stream

WRITE_S = 3.0
ANSWER_S = 1.0
BYE_S = 0.5
REFRESH_S = 60.0
"""A display with a power supply of its own forgets in a power cut that the line does not notice."""
HEARD = 4096
pause = asyncio.sleep
UNCONFIRMED = "shown, not confirmed: this display cannot answer"
SHOWN = "shown, and confirmed by the display"
SILENT = "it does not answer; check its baud rate and the wire from its TX."


class StreamDisplay(Kept):
    """A display."""

    kind = "display"

    def __init__(
        self, name: str, url: str, address: Address, language: Language, brightness: int, bus: Bus
    ) -> None:
        super().__init__(name, url, address.place, bus)
        self._address, self.language, self._brightness = address, language, brightness
        self.qr = language.qr
        self.experimental = language.experimental
        self._want: tuple[str, tuple[str, ...]] | None = None
        self._changed = asyncio.Event()
        self._heard = bytearray()
        self._spoke = asyncio.Event()
        self._complained = False

    def show_code(self, data: str, lines: tuple[str, ...]) -> None:
        """Show a code and text; a code that this display cannot draw is left out, never cut, and the state says so."""
        self._want = (data, lines)
        self._changed.set()

    async def _open(self) -> Stream:
        return await open_stream(self._address)

    async def _serve(self, stream: Stream) -> None:
        await beside(self._paint(stream), self._listen(stream))

    async def _listen(self, stream: Stream) -> None:
        """Collect answers; the end of the stream ends it."""
        while True:
            self._heard += await stream.read()
            del self._heard[:-HEARD]
            self._spoke.set()

    async def _paint(self, stream: Stream) -> None:
        try:
            await self._send(stream, self.language.hello(self._brightness))
            while True:
                self._changed.clear()
                if self._want is not None:
                    await self._show(stream, *self._want)
                with suppress(TimeoutError):
                    async with asyncio.timeout(REFRESH_S):
                        await self._changed.wait()
        finally:
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(BYE_S):
                    for step in self.language.bye():
                        await stream.write(step.data)

    async def _show(self, stream: Stream, data: str, lines: tuple[str, ...]) -> None:
        """Show a view; a display that does not say yes may have lost its settings in a power cut: it is greeted again."""
        shown = "" if self.language.refuses(data) else data
        reply = await self._send(stream, self.language.show(shown, lines))
        if reply is not None and reply.said != "yes":
            await self._send(stream, self.language.hello(self._brightness))
            reply = await self._send(stream, self.language.show(shown, lines))
        self._tell(reply, data)

    async def _send(self, stream: Stream, steps: list[Step]) -> Reply | None:
        """Send steps; return the first answer that is not yes, else the last; None where none is expected."""
        last: Reply | None = None
        for step in steps:
            self._heard.clear()
            async with asyncio.timeout(WRITE_S):
                await stream.write(step.data)
            if step.pause_s:
                await pause(step.pause_s)
            if step.answered:
                last = await self._answer()
                if last.said != "yes":
                    return last
        return last

    async def _answer(self) -> Reply:
        reply = self.language.read(bytes(self._heard))
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_S):
                while reply.said == "nothing yet":
                    self._spoke.clear()
                    await self._spoke.wait()
                    reply = self.language.read(bytes(self._heard))
        return reply

    def _tell(self, reply: Reply | None, data: str) -> None:
        """Say how it went, in the log too when that has changed."""
        wrong = self.language.refuses(data)
        if not wrong and reply is not None and reply.said != "yes":
            wrong = SILENT if reply.said == "nothing yet" else f"it says no: {reply.why}."
        if wrong:
            self._complained = True
            self._lost("error", wrong)
            return
        if self._complained:
            self._complained = False
            self._settled()
        level = f" (level {self.language.level(data)})" if self.qr.levels and data else ""
        self._go("ok", (UNCONFIRMED if reply is None else SHOWN) + level)
