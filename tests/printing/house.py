"""A journal and the spoolers on it, for the tests of the spooler."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kiosk.clock import ManualClock
from kiosk.events import Bus, PrintDone
from kiosk.journal.store import Journal
from kiosk.printing import queue
from kiosk.printing.printers.feie import FeiePrinter
from kiosk.printing.printers.network import NetworkPrinter
from kiosk.printing.slip import Cut, Drawer, Qr, Text
from kiosk.printing.spooler import Spooler
from tests.printing.fakes import FakePrinter
from tests.printing.made import slip

NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)
SLIP = slip(Text(text="老王便利店"), Qr(data="https://q.example.cn/c/S0001"), Drawer(), Cut())


class House:
    """A journal and the spoolers that were started on it."""

    def __init__(self, directory: Path) -> None:
        self.clock, self.bus = ManualClock(NOW), Bus()
        self.directory = directory
        self.later = timedelta()
        self.journal = Journal(directory, self.clock, self.bus)
        self.spoolers: list[Spooler] = []
        self.done: list[PrintDone] = []
        self.bus.on(PrintDone, self.done.append)

    async def open(
        self, *printers: FakePrinter | NetworkPrinter | FeiePrinter, mirrors: tuple[FakePrinter, ...] = ()
    ) -> Spooler:
        made = Spooler(
            self.journal, self.bus, printers, mirrors, now=lambda: self.clock.trusted().at + self.later
        )
        await made.start()
        self.spoolers.append(made)
        return made

    async def crash(self) -> None:
        """Lose the process: tasks end without a word, the journal is opened anew."""
        for spooler in self.spoolers:
            for task in (spooler._sending, spooler._worker):
                if task is not None:
                    task.cancel()
                    await asyncio.wait([task])
            spooler._worker = None
        self.spoolers.clear()
        await self.journal._db.close()
        self.journal = Journal(self.directory, self.clock, self.bus)
        await self.journal.start()

    async def close(self) -> None:
        for spooler in self.spoolers:
            await spooler.stop()
        await self.journal.stop()


@pytest.fixture(name="house")
async def open_house(tmp_path: Path) -> AsyncIterator[House]:
    made = House(tmp_path / "data")
    await made.journal.start()
    yield made
    await made.close()


@pytest.fixture(autouse=True, name="fast")
def retry_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again without waiting for it."""
    monkeypatch.setattr(queue, "BACKOFF_S", (0.01,))


async def order(house: House, printer: FakePrinter) -> list[str]:
    """Return the names (rid) of the jobs that a printer got, in turn; what it saw is another id for each print."""
    names = {row.detail.get("print"): row.rid for row in await house.journal.jobs()}
    return [names[seen] for seen, _ in printer.jobs]


async def results(house: House) -> list[str]:
    """Return the outcomes that go up to the hub."""
    run = await house.journal.pending()
    return [i.body["outcome"] for i in run.items if i.kind == "print_result"] if run else []
