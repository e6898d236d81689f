"""serial:///dev/... and socket://host:port scanners: bytes through the loop.

`?end=auto|line|silence` says how codes end (auto learns it), `?trigger=gm65|honeywell` keeps a module reading that reads
only when told to.
"""

from __future__ import annotations

import asyncio
import errno
from typing import cast

from kiosk.events import Bus, Scanned
from kiosk.hardware.address import Address, parse
from kiosk.hardware.kept import Kept, beside
from kiosk.hardware.ports import HardwareError
from kiosk.hardware.scan_line import Code, End, Framer
from kiosk.hardware.streams import Stream, open_stream
from kiosk.hardware.triggers import TRIGGERS, Answers, Trigger

WRITE_S = 1.0
MISSES = 3
"""Triggers without an answer before a module counts as gone: a UART line tells nothing when the module is unplugged."""


class StreamScanner(Kept):
    """A scanner at the end of a stream of bytes."""

    kind = "scanner"
    options: tuple[str, ...] = ("end", "trigger")
    ends: tuple[str, ...] = ("auto", "line", "silence")
    """How codes end; the first holds where the address does not say."""

    def __init__(self, name: str, url: str, bus: Bus) -> None:
        self._address: Address = parse(f"scanner {name}", url, options=self.options)
        super().__init__(name, url, self._address.place, bus)
        self._end: End = cast("End", _one_of(name, url, "end", self._address, self.ends))
        known = ("none", *TRIGGERS)
        self._trigger = TRIGGERS.get(_one_of(name, url, "trigger", self._address, known))
        self._framer = Framer(self._end)

    async def _open(self) -> Stream:
        return await open_stream(self._address)

    async def _serve(self, stream: Stream) -> None:
        self._framer = Framer(self._end)
        if self._trigger is None:
            await self._listen(stream, Answers(b""))
            return
        answers = Answers(self._trigger.answer)
        await beside(self._ask(stream, self._trigger, answers), self._listen(stream, answers))

    async def _ask(self, stream: Stream, trigger: Trigger, answers: Answers) -> None:
        """Keep the module reading; tell it to stop at the end."""
        misses = 0
        try:
            while misses < MISSES:
                before = answers.count
                async with asyncio.timeout(WRITE_S):
                    await stream.write(trigger.on)
                await asyncio.sleep(trigger.every_s)
                misses = misses + 1 if trigger.answer and answers.count == before else 0
            raise OSError(errno.ETIMEDOUT, "the module does not answer its trigger")
        finally:
            async with asyncio.timeout(WRITE_S):
                await stream.write(trigger.off)

    async def _listen(self, stream: Stream, answers: Answers) -> None:
        framer, loop = self._framer, asyncio.get_running_loop()
        while True:
            try:
                async with asyncio.timeout(framer.silence_s if framer.open else None):
                    data = await stream.read()
            except TimeoutError:
                codes = framer.silence(loop.time())
            else:
                codes = framer.feed(answers.feed(data), loop.time())
            self._publish(codes)

    def _publish(self, codes: list[Code]) -> None:
        for code in codes:
            self._bus.publish(Scanned(text=code.text, scanner=self.name))


def _one_of(name: str, url: str, word: str, address: Address, known: tuple[str, ...]) -> str:
    chosen = address.options.get(word, known[0])
    if chosen not in known:
        raise HardwareError(
            f"scanner {name}: {word}={chosen} in {url} means nothing; there are {', '.join(known)}."
        )
    return chosen
