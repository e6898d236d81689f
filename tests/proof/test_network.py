"""T6: kiosk and hub in two network stacks with a bad wire between them: nothing twice, nothing lost, nobody told more than is true."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hub.config import Settings
from hub.parts import Parts
from hub.store.catalog import BatchFile
from kiosk.coupons.batch import Merchant, Store
from kiosk.events import Outcome
from tests.proof.wire import HERE, THERE, WIRES, NoWire, Trouble, Wire
from tests.sync.shop import Kiosk, batch, until

pytestmark = pytest.mark.prove
SEED = int(os.environ.get("KIOSK_SEED", "6"))
PORT = 8090
READY_S = 90.0
COUPONS = 4
TROUBLES = {
    "loss": Trouble(loss=0.25),
    "delay": Trouble(delay=0.3, jitter=0.1),
    "reordered": Trouble(delay=0.02, jitter=0.25),
    "doubled": Trouble(double=0.5),
    "all at once": Trouble(loss=0.15, delay=0.1, jitter=0.2, double=0.3),
    "half open, the hub hears": Trouble(no_way_down=True),
    "half open, the hub is deaf": Trouble(no_way_up=True),
    "a black hole": Trouble(no_way_up=True, no_way_down=True),
}
SAID = {"confirmed": "confirmed", "offline": "accepted", "refused": "retry"}


class Hub:
    """A hub's process inside the namespace, on a database that the test reads too."""

    def __init__(self, base: Path, wire: Wire) -> None:
        self.base, self.wire = base, wire
        url = f"sqlite:///{base / 'hub.db'}"
        (base / "hub.toml").write_text(f'database = "{url}"\nlisten = "{THERE}:{PORT}"\n', "utf-8")
        self.parts = Parts(Settings(database=url))
        self.parts.open()
        rule = {"deadline_ms": 1500}
        batches = (batch("NEVER", "never", **rule), batch("CAPPED", "capped", count=1000, cap=10**6, **rule))
        file = BatchFile(Merchant("老王便利店"), (Store("S1", "一店"),), batches)
        self.parts.database.call(self.parts.catalog.load, file)

    def call(self, work: Any, *args: Any) -> Any:
        return self.parts.database.call(work, *args)

    async def start(self) -> None:
        with (self.base / "hub.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                "ip", "netns", "exec", self.wire.name, sys.executable, "-m", "hub", "serve", "-c", str(self.base / "hub.toml"),
                stdout=asyncio.subprocess.PIPE, stderr=log,
            )  # fmt: skip
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), READY_S)
        assert line, (self.base / "hub.log").read_text()[-2000:]

    async def kill(self) -> None:
        self.process.kill()
        await asyncio.wait_for(self.process.communicate(), READY_S)


@asynccontextmanager
async def apart(base: Path, kind: str) -> AsyncIterator[tuple[Wire, Hub, Kiosk, list[str]]]:
    """Give a wire, a hub behind it, a kiosk in step, and what people at its counter are told."""
    wire = WIRES[kind](SEED)
    try:
        await wire.up()
    except NoWire as err:
        pytest.skip(f"the network is untested by {kind}: {err}")
    hub = Hub(base, wire)
    try:
        await hub.start()
        token = hub.call(hub.parts.devices.token, "S1", 1, datetime.now(UTC))
        kiosk = Kiosk(base / "kiosk", f"http://{THERE}:{PORT}", token)
        told: list[str] = []
        kiosk.bus.on(Outcome, lambda event: told.append(event.kind))
        try:
            yield wire, hub, await kiosk.start(), told
        finally:
            wire.meet(Trouble())
            await kiosk.stop()
            await hub.kill()
    finally:
        hub.parts.close()
        await wire.down()


def _issue(hub: Hub, stock_id: str) -> list[Any]:
    issue = hub.parts.coupons.list_out
    made: list[Any] = hub.call(issue, stock_id, COUPONS, None, datetime.now(UTC))
    return made


async def _use(kiosk: Kiosk, coupons: list[Any], told: list[str]) -> dict[str, Counter[str]]:
    """Present every coupon twice; return how each was answered, and check that the counter was told no more."""
    answers: dict[str, Counter[str]] = {}
    for coupon in coupons * 2:
        told.clear()
        result = await kiosk.redeem(coupon.code)
        answers.setdefault(coupon.coupon, Counter())[result.verdict] += 1
        wanted = "refused" if result.reason == "used" else SAID[result.verdict]
        assert told == [wanted], (result, told)
        assert result.verdict != "offline" or kiosk.reach.away, (
            "accepted here while the hub was thought to answer"
        )
    return answers


def _states(hub: Hub, coupon: str) -> Counter[str]:
    query = "SELECT state FROM attempts WHERE coupon = ?"
    return Counter(r[0] for r in hub.call(lambda c: list(c.exec_driver_sql(query, (coupon,)))))


def _check(hub: Hub, answers: dict[str, Counter[str]]) -> None:
    """What customers were told is what the hub has, once."""
    for coupon, verdicts in answers.items():
        given = verdicts["confirmed"] + verdicts["offline"]
        states = _states(hub, coupon)
        assert given <= 1, f"{coupon} was given {given} times"
        assert states["recorded"] == given, (coupon, verdicts, states)
        assert not states["ok"], f"{coupon} is approved, and nobody got anything"
        assert not states["conflict"], f"{coupon} is in conflict with itself"
    number, serials = next(iter(answers)).split("-")[0], [int(c.split("-")[1]) for c in answers]
    query = f"SELECT sum(uses) FROM coupons WHERE batch = {int(number)} AND serial IN ({','.join(map(str, serials))})"
    used = hub.call(lambda c: c.exec_driver_sql(query).scalar_one())
    assert used == sum(v["confirmed"] + v["offline"] for v in answers.values())


@pytest.mark.parametrize("kind", WIRES)
@pytest.mark.parametrize("name", TROUBLES)
async def test_a_bad_wire_costs_no_coupon(
    name: str, kind: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    record_property("seed", SEED)
    async with apart(tmp_path, kind) as (wire, hub, kiosk, told):
        capped, never = _issue(hub, "CAPPED"), _issue(hub, "NEVER")
        await kiosk.synced()
        wire.meet(TROUBLES[name])
        answers = [await _use(kiosk, some, told) for some in (never, capped)]
        cut = TROUBLES[name].no_way_up or TROUBLES[name].no_way_down
        assert kiosk.reach.away or not cut
        wire.meet(Trouble())
        await kiosk.synced()
        for some in answers:
            _check(hub, some)
        record_property("cases", 4 * COUPONS)
        if cut:
            assert all(v == Counter({"refused": 2}) for v in answers[0].values()), (
                "nothing is promised without the hub"
            )
            assert all(v["offline"] == 1 for v in answers[1].values())
        assert (await kiosk.redeem(_issue(hub, "NEVER")[0].code)).verdict == "confirmed", "all is well again"
        assert (await kiosk.journal.verify()).ok


async def test_a_hub_that_was_killed_behind_a_dead_wire_is_found_again(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Every connection of the kiosk is half open: its other end is gone, and no packet has said so."""
    record_property("seed", SEED)
    async with apart(tmp_path, "tunnel") as (wire, hub, kiosk, told):
        capped = _issue(hub, "CAPPED")
        await kiosk.synced()
        wire.meet(Trouble(no_way_up=True, no_way_down=True))
        await hub.kill()
        await hub.start()
        wire.meet(Trouble())
        answers = await _use(kiosk, capped, told)
        await kiosk.synced()
        _check(hub, answers)
        assert all(v["confirmed"] + v["offline"] == 1 for v in answers.values())
        record_property("cases", 2 * COUPONS)


async def test_the_wire_does_what_it_says(tmp_path: Path) -> None:
    """Without this a wire that lets everything through would prove nothing."""
    async with apart(tmp_path, "tunnel") as (wire, _, kiosk, _):
        assert kiosk.client.url == f"http://{THERE}:{PORT}"
        assert HERE != THERE
        wire.meet(Trouble(no_way_down=True))
        await until(lambda: kiosk.reach.away or _poke(kiosk), "the outage is known")


def _poke(kiosk: Kiosk) -> bool:
    kiosk.sync.nudge()
    return False
