"""Printers at the end of a stream of bytes: network, serial, USB. One job at a time, each with a deadline.

How the stream is opened differs; what is honest about its outcome does not.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager

from kiosk.printing.printers import esc
from kiosk.printing.printers.answers import Answers, Link
from kiosk.printing.printers.port import Outcome, State, Status, Trouble, Wants, failed, has_left, trouble_of
from kiosk.printing.profiles import Profile

__all__ = ["Link", "OpenError", "StreamPrinter"]

CHUNK = 4096
BAD = ("out", "cover", "offline", "error")
UNOPENED: dict[Trouble, State] = {"not_present": "offline", "busy": "cannot_ask"}
STRANGER = Status("error", "what answers there is no printer; look at the address")
RASTER = b"\x1dv0"
CODE_MOST = 600
"""Bytes of the longest command that is no raster: a QR code of 500 characters."""


class OpenError(Exception):
    """The stream could not be opened: nothing has left."""

    def __init__(self, trouble: Trouble, detail: str) -> None:
        super().__init__(detail)
        self.trouble = trouble


class _Job:
    """A job under way."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.sent = 0
        self.outcome: Outcome | None = None


class StreamPrinter(ABC):
    """A printer behind a stream."""

    wants: Wants = "escpos"
    answer_s = 1.0
    """How long a real-time answer may take."""
    silence_s = 3.0
    """Silence after a job before the printer is asked why."""

    def __init__(self, name: str, url: str, profile: Profile) -> None:
        self.name, self.url, self.profile = name, url, profile
        self._one = asyncio.Lock()
        self._last = Status("ok")
        self._job: _Job | None = None
        self._mute = False
        """It has never answered in real time: asking again before each job would cost `answer_s` every time."""
        self._torn = 0
        """NULs that close a command which the last job may have left open."""

    @property
    def sent(self) -> int:
        """Return how many bytes of the job under way, or of the last one, have left."""
        return self._job.sent if self._job else 0

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

    def _port(self, link: Link) -> Status | None:
        """Return what the port knows of the printer without asking it; None where it knows nothing."""
        del link
        return None

    async def send(self, job: bytes, *, rid: str, deadline_s: float, copies: int = 1) -> Outcome:
        """Send a job and wait until the printer has consumed it. Copies are in the job."""
        work = _Job(job)
        try:
            async with asyncio.timeout(deadline_s), self._one:
                self._job = work
                async with self._open() as link:
                    work.outcome = await self._print(link, work)
                return work.outcome
        except OpenError as err:
            return Outcome("failed", err.trouble, str(err), 0)
        except TimeoutError:
            return work.outcome or failed("blocked", f"not done within {deadline_s:g} s", work.sent)
        except OSError as err:
            return work.outcome or failed(trouble_of(err), str(err.strerror or err), work.sent)
        finally:
            if 0 < work.sent < len(job):
                self._torn = _longest_command(job, self.profile)

    async def _print(self, link: Link, work: _Job) -> Outcome:
        answers = Answers(link)
        bad = await self._look_first(answers)
        if answers.stranger:
            return Outcome("failed", "not_present", STRANGER.detail, 0)
        if bad is not None:
            return Outcome("failed", "blocked", bad.detail or bad.state, 0)
        await self._put(link, bytes(self._torn))
        answers.barrier = None  # of an earlier job, whose printer had to wait for paper
        while work.sent < len(work.data):
            work.sent += await link.write(work.data[work.sent : work.sent + CHUNK])
        self._torn = 0
        await has_left()
        if self.profile.barrier:
            await self._put(link, esc.BARRIER)
            return await self._confirmed(answers, work.sent)
        if self.profile.status and (why := await self._why(answers)).state in BAD:
            return Outcome("unknown", "blocked", why.detail, work.sent)
        return Outcome(
            "unknown", "unconfirmed", "everything was sent; this printer cannot confirm", work.sent
        )

    async def _put(self, link: Link, data: bytes) -> None:
        left = data
        while left:
            left = left[await link.write(left[:CHUNK]) :]

    async def _look_first(self, answers: Answers) -> Status | None:
        """Return what keeps the printer from printing, before the first byte; None when nothing is known to."""
        if not self.profile.status:
            return None
        port = self._port(answers.link)
        if port is not None and port.state in BAD:
            self._last = port
            return port
        if self._mute:
            return None
        now = await self._why(answers)
        if now.state in BAD:
            self._last = now
            return now
        return None

    async def _confirmed(self, answers: Answers, sent: int) -> Outcome:
        """Wait for the barrier's answer; when it does not come, ask why in real time."""
        unheard = 0
        while True:
            if answers.stranger:
                self._last = STRANGER
                return Outcome("unknown", "no_answer", STRANGER.detail, sent)
            if answers.barrier is not None:
                self._last = esc.from_barrier(answers.barrier)
                return Outcome("printed", "", self._last.detail, sent)
            if answers.ended:
                return Outcome("unknown", "gone", "the printer hung up before it confirmed", sent)
            if await answers.hear(self.silence_s):
                continue
            why = await self._why(answers)
            if answers.barrier is not None:
                continue
            if why.state in BAD:
                self._last = why
                return Outcome("unknown", "blocked", why.detail, sent)
            unheard = unheard + 1 if why.state == "nobody_answered" else 0
            if unheard == 2:
                self._last = why
                return Outcome(
                    "unknown", "no_answer", "the printer took the job but did not confirm it", sent
                )

    async def _why(self, answers: Answers) -> Status:
        """Ask in real time how the printer is: online, and if not, cover, error or paper."""
        if not self.profile.status:  # there are printers that stop for good when they are asked
            return self._port(answers.link) or Status("nobody_answered", "no answer")
        printer = await answers.ask(esc.ASK_PRINTER, self.answer_s)
        if answers.stranger:
            return STRANGER
        self._mute = printer is None
        if printer is None:
            return self._port(answers.link) or Status("nobody_answered", "no answer")
        if esc.is_offline(printer):
            cause = await answers.ask(esc.ASK_OFFLINE, self.answer_s)
            if cause is not None and (bad := esc.from_offline(cause)) is not None and bad.state != "error":
                return bad
            error = await answers.ask(esc.ASK_ERROR, self.answer_s)
            if error is not None and (bad := esc.from_error(error)) is not None:
                return bad
        paper = await answers.ask(esc.ASK_PAPER, self.answer_s)
        if answers.stranger:
            return STRANGER
        found = Status("ok") if paper is None else esc.from_paper(paper)
        if found.state != "out" and esc.is_offline(printer):
            return Status("offline", "the printer is offline; press its online button")
        return found

    async def status(self) -> Status:
        """Ask the printer, unless it prints right now: then the last state stands."""
        if self._one.locked():
            return self._last
        try:
            async with asyncio.timeout(5 * self.answer_s + self.silence_s), self._one, self._open() as link:
                if not self.profile.status:
                    return self._port(link) or Status("cannot_ask", "this model cannot be asked")
                self._last = await self._why(Answers(link))
                return self._last
        except OpenError as err:
            return Status(UNOPENED.get(err.trouble, "error"), str(err))
        except (TimeoutError, OSError) as err:
            return Status("nobody_answered", str(err) or "no answer")


def _longest_command(job: bytes, profile: Profile) -> int:
    """Return how many bytes a torn job may still owe to its last command."""
    if RASTER not in job:
        return CODE_MOST
    return profile.strip_rows * ((profile.width_dots + 7) // 8) + 8
