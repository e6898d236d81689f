"""HTTPS to a cloud of printers. What certainly was not sent, what may have arrived and what was refused are three errors.

The caller decides by them whether a slip can still appear, so a doubtful case is always `NoAnswer`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp

from kiosk.printing.printers.port import Status, Trouble

MAX_ANSWER = 1 << 20
SKEW_S = 30.0
"""A clock that is off by less is taken as right: the Date header has whole seconds and the request takes its time."""


class CloudError(Exception):
    """A call that did not end well: one sentence, never a credential."""

    trouble: Trouble = "io"

    def __init__(self, detail: str, trouble: Trouble | None = None) -> None:
        super().__init__(detail)
        if trouble is not None:
            self.trouble = trouble


class NotSent(CloudError):
    """The cloud was never reached: nothing can have arrived."""

    trouble: Trouble = "not_present"


class NoAnswer(CloudError):
    """Sent, but no answer that can be read: the request may have arrived."""

    trouble: Trouble = "no_answer"


class Refused(CloudError):
    """The cloud said no: nothing was done."""

    trouble: Trouble = "configuration"

    def __init__(self, detail: str, trouble: Trouble | None = None, code: int = 0) -> None:
        super().__init__(detail, trouble)
        self.code = code


class Cloud:
    """One session, and what it learned of the cloud's clock."""

    def __init__(self, what: str, base_url: str, clock: Callable[[], float] = time.time) -> None:
        self.what, self.base_url, self._clock = what, base_url, clock
        self.skew_s = 0.0
        """Seconds that the cloud's clock is ahead of ours, by the Date header of its last answer."""
        self._session: aiohttp.ClientSession | None = None

    def now(self) -> float:
        """Return the Unix time by the cloud's clock, at most a second and the way here late; ours until it has answered."""
        return self._clock() + self.skew_s

    @property
    def clock_is_wrong(self) -> bool:
        """Tell whether our clock differs from the cloud's so far that signatures are refused."""
        return abs(self.skew_s) > SKEW_S

    async def stop(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def post(self, url: str, form: Mapping[str, str], timeout_s: float) -> dict[str, Any]:
        """Post a form and return the JSON object of the answer; `CloudError` in one of its three kinds."""
        part = (
            timeout_s * 0.6
        )  # connecting ends before the whole does: the two are told apart by which one ran out
        limit = aiohttp.ClientTimeout(total=timeout_s, connect=part, sock_connect=part)
        try:
            async with self._open().post(url, data=form, timeout=limit, allow_redirects=False) as answer:
                self._learn(answer.headers.get("Date"))
                raw = await answer.content.read(MAX_ANSWER)
                return self._read(answer.status, raw)
        except aiohttp.ClientConnectorCertificateError:
            raise NotSent(
                f"{self.what}: its certificate is not accepted; check this machine's clock and the base_url."
            ) from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as err:
            raise NotSent(f"{self.what} cannot be reached ({_short(err)}).") from None
        except TimeoutError:
            raise NoAnswer(f"{self.what} did not answer within {timeout_s:.1f} s.") from None
        except (aiohttp.ClientError, OSError, asyncio.IncompleteReadError) as err:
            raise NoAnswer(f"{self.what} broke off before its answer ({_short(err)}).") from None

    def _open(self) -> aiohttp.ClientSession:
        """Return the session. Each call gets a connection of its own: one that idled may be dead, and then a print is in doubt."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True, limit=8),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    def _learn(self, date: str | None) -> None:
        """Take the time of an answer."""
        try:
            if date:
                self.skew_s = parsedate_to_datetime(date).timestamp() - self._clock()
        except (ValueError, TypeError, OverflowError):
            return  # a proxy's odd header teaches nothing

    def _read(self, status: int, raw: bytes) -> dict[str, Any]:
        if status == 429:
            raise Refused(
                f"{self.what} is asked too often (HTTP 429); it will take slips again soon.", "busy"
            )
        if 300 <= status < 500 and status != 408:
            raise Refused(f"{self.what} answers HTTP {status} at {self.base_url}; correct base_url.")
        if status != 200:
            raise NoAnswer(f"{self.what} answers HTTP {status}.")
        try:
            value = json.loads(raw)
        except ValueError:
            raise NoAnswer(
                f"{self.what} answers something that is not JSON; a login page of the network may be in between."
            ) from None
        if not isinstance(value, dict):
            raise NoAnswer(f"{self.what} answers JSON that is not an object.")
        return value


def pauses() -> Iterator[float]:
    """Return the seconds between two looks at an order: most slips are out in a second, the others get a look a second."""
    yield from (0.2, 0.3, 0.5)
    yield from itertools.repeat(1.0)


def trouble_of_state(status: Status) -> Trouble:
    """Return what is wrong with a printer that did not print."""
    if status.state == "offline":
        return "not_present"
    return "blocked" if status.state == "out" else "no_answer"


def _short(err: BaseException) -> str:
    """Name an error without what it carries: addresses and bodies stay out of logs."""
    system = getattr(err, "os_error", err)
    return getattr(system, "strerror", None) or type(err).__name__
