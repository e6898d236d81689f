"""The one token of a Yilianyun application (facts: cloud-printers 3.3).

A fetch kills the token before it and only 20 a day are given out, so: one file for all programs of the machine, one fetch at a
time, counted before it is made, and never a fetch because a program starts.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from kiosk.printing.printers.cloud import NotSent, Refused

FILE = "yilianyun-token.json"
FETCHES_A_DAY = 20
LOCK_S = 10.0
CHINA = timedelta(hours=8)


class Kept(msgspec.Struct, frozen=True):
    """What the file holds."""

    client_id: str
    token: str = ""
    day: str = ""
    fetched: int = 0
    """Fetches made on `day` (China's)."""

    def __repr__(self) -> str:
        """Leave the token out."""
        return f"Kept(client_id={self.client_id!r}, day={self.day!r}, fetched={self.fetched})"


class TokenFile:
    """The file, and the right to change it."""

    def __init__(self, directory: Path, client_id: str, clock: Callable[[], float]) -> None:
        self._path, self._client, self._clock = directory / FILE, client_id, clock
        self._one = asyncio.Lock()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Keep every other task and program of this machine from changing the token meanwhile."""
        async with self._one:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                fd = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as err:
                raise self._unusable(err) from None
            try:
                await _lock(fd)
                yield
            finally:
                os.close(fd)  # which also unlocks

    def read(self) -> Kept:
        """Return what is kept for this application; a file that is missing, foreign or damaged keeps nothing."""
        try:
            kept = msgspec.json.decode(self._path.read_bytes(), type=Kept)
        except FileNotFoundError:
            return Kept(self._client)
        except OSError as err:
            raise self._unusable(err) from None
        except msgspec.DecodeError:
            return Kept(self._client)
        return kept if kept.client_id == self._client else Kept(self._client)

    def write(self, kept: Kept) -> None:
        """Replace the file in one step; only its owner can read it."""
        fresh = self._path.with_suffix(".new")
        try:
            fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(fd, "wb") as f:
                f.write(msgspec.json.encode(kept))
                f.flush()
                os.fsync(f.fileno())
            os.replace(fresh, self._path)
        except OSError as err:
            raise self._unusable(err) from None

    def count_fetch(self) -> Kept:
        """Count a fetch before it is made and return what was kept; Refused when today's are used up."""
        kept = self.read()
        today = self._today()
        fetched = kept.fetched if kept.day == today else 0
        if fetched >= FETCHES_A_DAY:
            raise Refused(
                f"Yilianyun gives out {FETCHES_A_DAY} tokens a day and today's are used up; use another printer until "
                "midnight in China, and look for a second program with the same client_id."
            )
        self.write(msgspec.structs.replace(kept, day=today, fetched=fetched + 1))
        return kept

    def used_up(self) -> None:
        """Note that the cloud gives no more tokens today."""
        self.write(msgspec.structs.replace(self.read(), day=self._today(), fetched=FETCHES_A_DAY))

    def keep(self, token: str) -> None:
        """Keep a fresh token."""
        self.write(msgspec.structs.replace(self.read(), token=token))

    def _today(self) -> str:
        return (datetime.fromtimestamp(self._clock(), UTC) + CHINA).strftime("%Y-%m-%d")

    def _unusable(self, err: OSError) -> Refused:
        return Refused(
            f"{self._path}: Yilianyun's token cannot be kept there ({err.strerror}); make data_dir writable for this user."
        )


async def _lock(fd: int) -> None:
    """Wait for the lock without holding a thread; NotSent when another program keeps it longer than a fetch takes."""
    for _ in range(int(LOCK_S / 0.05)):
        try:
            return fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            await asyncio.sleep(0.05)
    raise NotSent("another program of this machine is busy with Yilianyun's token.", "busy")
