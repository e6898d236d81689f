"""Attempts that could not be closed, because the card was full or the scan was broken off: closed at the next chance.

What is still open when the kiosk ends is voided at the next start (facts: sync-fleet A4).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any

from kiosk.journal.errors import JournalError
from kiosk.journal.rows import Replaced, Used
from kiosk.journal.store import Journal

log = logging.getLogger(__name__)
REPLACED = "its slip was replaced by one with a new code"


class Unrecorded(Exception):
    """The hub has accepted attempt `rid` and the journal could not take the record: a person must look."""

    def __init__(self, rid: str, why: str) -> None:
        super().__init__(why)
        self.rid = rid


class LooseEnds:
    """Keeps open attempts of this run until they can be closed."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._ends: dict[str, tuple[str, dict[str, Any]] | None] = {}
        """rid -> None, or code and record of an attempt that the hub has accepted."""
        self._one = asyncio.Lock()

    def keep(self, rid: str) -> None:
        """Remember an attempt that may be open."""
        self._ends.setdefault(rid, None)

    async def close(self, rid: str, closing: Awaitable[int]) -> None:
        """Close a refused attempt. The refusal stands also when it cannot be written down: nothing was given."""
        try:
            await closing
        except JournalError as err:
            self.keep(rid)
            log.warning("attempt %s was refused and stays open for now: %s", rid, err)

    async def record(self, rid: str, key: str, record: dict[str, Any]) -> None:
        """Record an attempt that the hub has accepted; Unrecorded when the journal cannot, Used or Replaced when it may not."""
        try:
            await self._journal.record(rid, **record)
        except JournalError as err:
            self._ends[rid] = (key, record)
            raise Unrecorded(rid, str(err)) from err

    async def mend(self, key: str) -> dict[str, Any] | None:
        """Close what can be closed: an accepted attempt at the code `key` is recorded and its result returned, the rest is void.

        Unrecorded when the record still cannot be written; Used or Replaced when its coupon was used or made void meanwhile.
        """
        if not self._ends:
            return None
        async with self._one:
            for rid, accepted in list(self._ends.items()):
                row = await self._journal.attempt(rid)
                if row is not None and row.state == "open":
                    if accepted is not None and accepted[0] == key:
                        return await self._finish(rid, *accepted)
                    await self._journal.void(rid, "the attempt could not be finished")
                del self._ends[rid]
        return None

    async def _finish(self, rid: str, key: str, record: dict[str, Any]) -> dict[str, Any]:
        try:
            await self.record(rid, key, record)
        except Used:
            await self._journal.void(rid, "used here under another reading of the code")
            raise
        except Replaced:
            await self._journal.void(rid, REPLACED, reason="replaced")
            raise
        del self._ends[rid]
        result: dict[str, Any] = record["result"]
        return result
