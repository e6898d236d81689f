"""Printers at the end of a stream of bytes: network, serial, USB printer class. One job at a time, each with a deadline.

How the stream is opened differs; what is honest about its outcome does not.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from kiosk.printing.printers import esc
from kiosk.printing.printers.port import Outcome, Status, Trouble, Wants, failed, trouble_of
from kiosk.printing.profiles import Profile

CHUNK = 4096
ANSWER_S = 1.0


class Link(Protocol):
    """An open stream."""

    async def write(self, data: bytes) -> int:
        """Write some bytes and return how many left; waits while the other end is not ready."""

    async def read(self) -> bytes:
        """Return what came, at least one byte; empty at the end."""


class OpenError(Exception):
    """The stream could not be opened: nothing has left."""

    def __init__(self, trouble: Trouble, detail: str) -> None:
        super().__init__(detail)
        self.trouble = trouble


class StreamPrinter(ABC):
    """A printer behind a stream."""

    wants: Wants = "escpos"

    def __init__(self, name: str, url: str, profile: Profile) -> None:
        self.name, self.url, self.profile = name, url, profile
        self._one = asyncio.Lock()
        self._last = Status("ok")

    async def start(self) -> None:
        """Do nothing yet: the stream is opened for each job, since idle links are dropped."""
        return

    async def stop(self) -> None:
        """Wait for the job under way."""
        async with self._one:
            return

    @abstractmethod
    def _open(self) -> AbstractAsyncContextManager[Link]:
        """Open the stream; OpenError when it cannot be."""

    async def send(self, job: bytes, *, rid: str, deadline_s: float, copies: int = 1) -> Outcome:
        """Send a job and wait until the printer has consumed it."""
        sent = 0
        try:
            async with asyncio.timeout(deadline_s), self._one, self._open() as link:
                data = job + (esc.BARRIER if self.profile.barrier else b"")
                while sent < len(data):
                    sent += await link.write(data[sent : sent + CHUNK])
                if not self.profile.barrier:
                    return Outcome(
                        "unknown" if self.profile.status else "printed",
                        "",
                        "sent; this printer cannot confirm",
                        sent,
                    )
                return await self._confirmed(link, sent)
        except OpenError as err:
            return Outcome("failed", err.trouble, str(err), 0)
        except TimeoutError:
            return failed("blocked", f"not done within {deadline_s:g} s", min(sent, len(job)))
        except OSError as err:
            return failed(trouble_of(err), str(err.strerror or err), min(sent, len(job)))

    async def _confirmed(self, link: Link, sent: int) -> Outcome:
        """Wait for the barrier's answer; when it does not come, ask why in real time."""
        while True:
            try:
                async with asyncio.timeout(ANSWER_S * 3):
                    answer = await link.read()
            except TimeoutError:
                why = await self._why(link)
                if why.state == "nobody_answered":
                    return Outcome(
                        "unknown", "no_answer", "the printer took the job but did not confirm it", sent
                    )
                self._last = why
                if why.state in ("ok", "near_end"):
                    continue
                return Outcome("unknown", "blocked", why.detail, sent)
            if not answer:
                return Outcome("unknown", "gone", "the printer hung up before it confirmed", sent)
            plain = [b for b in answer if not esc.is_realtime(b)]
            if plain:
                self._last = esc.from_barrier(plain[-1])
                return Outcome("printed", "", self._last.detail, sent)

    async def _why(self, link: Link) -> Status:
        """Ask for the reason in real time: cover, error, paper."""
        try:
            async with asyncio.timeout(ANSWER_S):
                await link.write(esc.ASK_OFFLINE)
                first = await link.read()
                if first and (bad := esc.from_offline(first[-1])):
                    return bad
                await link.write(esc.ASK_PAPER)
                answer = await link.read()
                return esc.from_paper(answer[-1]) if answer else Status("nobody_answered")
        except (TimeoutError, OSError):
            return Status("nobody_answered", "no answer")

    async def status(self) -> Status:
        """Ask the printer, unless it prints right now: then the last state stands."""
        if self._one.locked():
            return self._last
        try:
            async with asyncio.timeout(ANSWER_S * 3), self._one, self._open() as link:
                if not self.profile.status:
                    return Status("cannot_ask", "this model cannot be asked")
                self._last = await self._why(link)
                return self._last
        except OpenError as err:
            return Status("offline", str(err))
        except (TimeoutError, OSError) as err:
            return Status("nobody_answered", str(err) or "no answer")
