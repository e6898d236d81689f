"""T5 of the spooler: a program killed with -9 at each named step; after the next start nothing was printed twice, nothing is lost,
and *unknown* is only what nobody can know.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from kiosk.clock import SystemClock
from kiosk.events import Bus
from kiosk.journal.rows import JobRow
from kiosk.journal.store import Journal
from kiosk.printing.printers import yilianyun
from kiosk.printing.printers.factory import open_printer
from kiosk.printing.printers.port import Printer
from kiosk.printing.spooler import Spooler
from simulators.escpos import EscposPrinterSim
from tests.cloud_printers.rig import Rig, rig
from tests.printing.conftest import Until
from tests.printing.steps import CLOUD, COMMON, START, WIRE

pytestmark = pytest.mark.prove
PATIENCE_S = 60.0

# Step -> how a coupon's slip ended, and the slips on paper, after the next start.
WIRED = {
    "queued": ("failed", 0),
    "taken": ("failed", 0),
    "drawn": ("failed", 0),
    "sending": ("unknown", 0),
    "connected": ("unknown", 0),
    "looked first": ("unknown", 0),
    "first byte": ("unknown", 0),
    "all bytes": ("unknown", 1),
    "sent": ("unknown", 1),
    "barrier asked": ("unknown", 1),
    "barrier answered": ("unknown", 1),
    "outcome journalled": ("printed", 1),
    "told": ("printed", 1),
}
CLOUDY = {
    ("feie", "sending"): ("unknown", 0),
    ("feie", "feie looked"): ("unknown", 0),
    ("feie", "feie accepted"): ("unknown", 1),
    ("feie", "sent"): ("printed", 1),
    ("feie", "feie asked after"): ("printed", 1),
    ("feie", "outcome journalled"): ("printed", 1),
    ("yilianyun2", "sending"): ("failed", 0),
    ("yilianyun2", "yilianyun leaving"): ("failed", 0),
    ("yilianyun2", "yilianyun accepted"): ("printed", 1),
    ("yilianyun2", "sent"): ("printed", 1),
    ("yilianyun2", "yilianyun asked after"): ("printed", 1),
    ("yilianyun2", "yilianyun cancelled"): ("failed", 0),
    ("yilianyun2", "outcome journalled"): ("printed", 1),
}
"""Feie has no key of ours: without its number, which came back too late, an order cannot be asked after."""


async def killed_at(step: str, place: Path, **plan: Any) -> None:
    """Run the program until it kills itself at a step."""
    mark = place / f"hit {step}"
    words = ("-m", "tests.printing.steps", step, str(mark), json.dumps({"data": str(place / "data"), **plan}))
    run = await asyncio.create_subprocess_exec(
        sys.executable, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(run.communicate(), PATIENCE_S)
    assert mark.exists(), f"{step} was never reached: {out.decode()} {err.decode()[-2000:]}"
    assert run.returncode == -signal.SIGKILL, err[-2000:]


class Next:
    """The next start, in this process."""

    def __init__(self, place: Path) -> None:
        self.journal = Journal(place / "data", SystemClock(), Bus())

    async def row(self) -> JobRow:
        """Return the only job."""
        (row,) = await self.journal.jobs()
        return row

    async def ended(self) -> JobRow:
        """Wait until the job is open no more."""
        async with asyncio.timeout(PATIENCE_S):
            while (row := await self.row()).state in ("queued", "sending", "sent"):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return row

    async def outcomes(self) -> list[str]:
        """Return what goes up to the hub."""
        run = await self.journal.pending()
        return [i.body["outcome"] for i in run.items if i.kind == "print_result"] if run else []


@asynccontextmanager
async def started_again(place: Path, *printers: Printer) -> AsyncIterator[Next]:
    made = Next(place)
    await made.journal.start()
    spooler = Spooler(made.journal, Bus(), printers, [])
    await spooler.start()
    try:
        yield made
    finally:
        await spooler.stop()
        assert (await made.journal.verify()).ok
        await made.journal.stop()


def _wire(sim: EscposPrinterSim) -> Printer:
    return open_printer("counter", _url(sim), "generic-58")


def _url(sim: EscposPrinterSim) -> str:
    return f"tcp://127.0.0.1:{sim.port}"


async def _quiet(sim: EscposPrinterSim, until: Until) -> None:
    """Wait until the dead program's line is read to its end."""
    await until(lambda: not sim._links)


def test_every_step_is_in_a_table() -> None:
    held = {step for _, step in CLOUDY} | set(WIRED) | set(START) | {"first byte", "to be tried again"}
    assert {*COMMON, *WIRE, *CLOUD} <= held


@pytest.mark.parametrize("kind", ["coupon", "day"])
@pytest.mark.parametrize("step", WIRED)
async def test_a_printer_on_a_wire(
    step: str, kind: str, tmp_path: Path, sim: EscposPrinterSim, until: Until
) -> None:
    """A coupon's slip that waited is not printed later, its customer has gone; a day report is printed by the next start."""
    state, paper = WIRED[step]
    await killed_at(step, tmp_path, url=_url(sim), kind=kind)
    await _quiet(sim, until)
    assert len(sim.slips) == paper
    async with started_again(tmp_path, _wire(sim)) as now:
        row = await now.ended()
        if kind == "day" and state == "failed":
            state, paper = "printed", 1
        assert (row.state, len(sim.slips)) == (state, paper)
        assert await now.outcomes() == [state], "once, whatever was told before"
    assert ("stopped" in row.detail["detail"]) is (
        step not in ("outcome journalled", "told") and state != "printed"
    )


@pytest.mark.parametrize(("kind", "state", "paper"), [("coupon", "failed", 0), ("day", "printed", 1)])
async def test_while_it_waits_for_its_next_try(
    kind: str, state: str, paper: int, tmp_path: Path, sim: EscposPrinterSim, until: Until
) -> None:
    sim.set_fault("paper_out")
    await killed_at("to be tried again", tmp_path, url=_url(sim), kind=kind)
    await _quiet(sim, until)
    sim.set_fault("none")
    async with started_again(tmp_path, _wire(sim)) as now:
        row = await now.ended()
        assert (row.state, len(sim.slips), await now.outcomes()) == (state, paper, [state])


@pytest.mark.parametrize("second", ["left open is read", "outcome journalled"])
async def test_killed_again_while_it_settles_what_the_last_run_left(
    second: str, tmp_path: Path, sim: EscposPrinterSim, until: Until
) -> None:
    await killed_at("sent", tmp_path, url=_url(sim), kind="day")
    await killed_at(second, tmp_path, url=_url(sim), kind="day")
    await _quiet(sim, until)
    async with started_again(tmp_path, _wire(sim)) as now:
        assert ((await now.ended()).state, len(sim.slips)) == ("unknown", 1)
        assert await now.outcomes() == ["unknown"]


@pytest.mark.parametrize(
    ("step", "states", "paper"),
    [
        ("copy asked for", ["unknown"], 1),
        ("queued", ["failed", "replaced"], 1),
        ("sending", ["unknown", "replaced"], 1),
        ("all bytes", ["unknown", "replaced"], 2),
        ("outcome journalled", ["printed", "replaced"], 2),
    ],
)
async def test_while_a_person_has_it_printed_again(
    step: str, states: Sequence[str], paper: int, tmp_path: Path, sim: EscposPrinterSim, until: Until
) -> None:
    """Either somebody is still asked about the first slip, or its copy is there to ask about; the copy is marked."""
    await killed_at("barrier asked", tmp_path, url=_url(sim), kind="coupon")
    async with started_again(tmp_path, _wire(sim)) as now:
        first = await now.ended()
    await killed_at(step, tmp_path, url=_url(sim), again=first.id)
    await _quiet(sim, until)
    async with started_again(tmp_path, _wire(sim)) as now:
        assert [row.state for row in await now.journal.jobs()] == states
    assert ["补打" in slip.text for slip in sim.slips] == [False, True][:paper]


def _account(cloud: Rig) -> dict[str, Any]:
    where = cloud.sim.where()["account"]
    if cloud.cloud == "feie":
        return {"feie": {"user": where["user"], "ukey": where["ukey"], "base_url": cloud.sim.url}}
    app = {
        "client_id": where["client_id"],
        "client_secret": where["client_secret"],
        "base_url": cloud.sim.url(2),
    }
    return {"yilianyun": app}


@pytest.mark.parametrize(("kind", "step"), CLOUDY)
async def test_a_printer_at_a_cloud(
    kind: str, step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    """What was accepted is asked after; it is neither ordered again nor called printed before its cloud says so."""
    monkeypatch.setattr(yilianyun, "LATE_S", 0.0)  # the program is dead: nothing of it can be under way
    state, paper = CLOUDY[kind, step]
    (tmp_path / "data").mkdir()
    async with rig(kind, tmp_path / "data") as cloud:
        if step == "yilianyun cancelled":
            cloud.sim.set_fault({"fault": "offline"})
        url = f"{cloud.cloud}://{cloud.device.number}"
        await killed_at(step, tmp_path, url=url, kind="coupon", settings=_account(cloud))
        await until(lambda: cloud.paper == paper)
        orders = len(cloud.orders)
        async with started_again(tmp_path, cloud.printer()) as now:
            row = await now.ended()
            assert (row.state, cloud.paper, len(cloud.orders)) == (state, paper, orders), row.detail
            assert await now.outcomes() == [state]
        assert not [o for o in cloud.orders if o.state == "waiting"], "nothing can still appear"
