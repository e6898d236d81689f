"""`python -m tests.printing.steps STEP MARK PLAN`: prints one slip and kills itself with -9 at a named step of the spooler.

The spooler, the journal and the driver are the real ones; PLAN is JSON: `data`, `url`, `kind`, what `Settings` take, `again`
(a job to print again instead). What was printed before the kill is with the simulator, which lives on.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from kiosk.clock import SystemClock
from kiosk.events import Bus
from kiosk.journal.store import Journal
from kiosk.printing.printers.accounts import Accounts
from kiosk.printing.printers.esc import BARRIER
from kiosk.printing.printers.factory import open_printer
from kiosk.printing.printers.fd import FdLink
from kiosk.printing.slip import Cut, Slip, Text
from kiosk.printing.spooler import Spooler
from kiosk.settings import Settings
from tests.proof.stopped import die, stop_at

SLIP = Slip(elements=(Text(text="老王便利店"), Text(text="满20减3"), Cut()))
BEGIN = b"\x1b@"
"""The first bytes of a job: what else is written to a printer is a question."""
SPOOLER, JOBS, STREAM = "kiosk.printing.spooler", "kiosk.journal.jobs", "kiosk.printing.printers.stream"
FEIE, YILIANYUN = "kiosk.printing.printers.feie_api", "kiosk.printing.printers.yilianyun_api"


def _marked(state: str) -> Callable[..., bool]:
    return lambda _, __, ___, now, ____, **____k: now == state


def _result(wanted: object) -> Callable[..., bool]:
    return lambda result, *_, **__: bool(result == wanted)


Step = tuple[str, str] | tuple[str, str, Callable[..., bool]]
COMMON: dict[str, Step] = {
    "queued": (JOBS, "Jobs.job_add"),
    "taken": ("kiosk.printing.queue", "Queue.take", lambda job, *_: job is not None),
    "drawn": (SPOOLER, "Spooler._render"),
    "sending": (JOBS, "Jobs.job_mark", _marked("sending")),
    "sent": (JOBS, "Jobs.job_mark", _marked("sent")),
    "outcome journalled": (JOBS, "Jobs.job_mark", lambda *_, item: item),
    "told": (SPOOLER, "Spooler._tell"),
}
WIRE: dict[str, Step] = {
    "connected": ("kiosk.printing.printers.network", "_connect"),
    "looked first": (STREAM, "StreamPrinter._look_first"),
    "all bytes": ("kiosk.printing.printers.fd", "FdLink.write", lambda n, _, data: data[:2] == BEGIN and n == len(data)),
    "barrier asked": (STREAM, "StreamPrinter._put", lambda _, __, ___, data: data == BARRIER),
    "barrier answered": (STREAM, "StreamPrinter._confirmed"),
    "to be tried again": (JOBS, "Jobs.job_mark", _marked("queued")),
}  # fmt: skip
CLOUD: dict[str, Step] = {
    "feie looked": ("kiosk.printing.printers.feie", "FeiePrinter._look"),
    "feie accepted": (FEIE, "FeieApi.print_msg"),
    "feie asked after": (FEIE, "FeieApi.is_printed", _result(True)),
    "yilianyun leaving": ("kiosk.printing.printers.cloud_printer", "Order.leaves"),
    "yilianyun accepted": (YILIANYUN, "YilianyunApi.print_index"),
    "yilianyun asked after": (YILIANYUN, "YilianyunApi.order_state", _result("printed")),
    "yilianyun cancelled": (YILIANYUN, "YilianyunApi.cancel"),
}
START: dict[str, Step] = {
    "left open is read": ("kiosk.printing.aftermath", "Aftermath.begin", lambda *_: True),
    "copy asked for": (JOBS, "Jobs.job_again"),
}
STEPS = {**COMMON, **WIRE, **CLOUD, **START}
"""Step -> a function after which the program dies, and when; `first byte` is `_one_byte`."""


def _one_byte(mark: Path) -> None:
    """Let one byte of a job leave."""
    real = FdLink.write

    async def write(self: FdLink, data: bytes) -> int:
        if data[:2] != BEGIN:
            return await real(self, data)
        os.write(self.fd, data[:1])
        die(mark)
        return 1

    FdLink.write = write  # type: ignore[method-assign]


async def main(plan: dict[str, Any]) -> None:
    """Print until the step is reached; without one, say how it ended."""
    data, bus = Path(plan["data"]), Bus()
    journal = Journal(data, SystemClock(), bus)
    await journal.start()
    accounts = Accounts.of(msgspec.convert(plan.get("settings", {}), Settings), data)
    printer = open_printer("counter", plan["url"], "generic-58", accounts=accounts)
    spooler = Spooler(journal, bus, [printer], [])
    await spooler.start()
    if again := plan.get("again"):
        row = await spooler.reprint(again)
    else:
        row = await spooler.print(SLIP, rid="R1", kind=plan["kind"], coupon="7-1")
    print(row, flush=True)
    await spooler.stop()
    await journal.stop()


if __name__ == "__main__":
    step, mark = sys.argv[1], Path(sys.argv[2])
    if step == "first byte":
        _one_byte(mark)
    else:
        module, name, *when = STEPS[step]
        stop_at(module, name, mark, *when)
    asyncio.run(main(json.loads(sys.argv[3])))
