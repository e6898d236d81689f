"""Facts come from the journal, the printers and the clock; a printer that misbehaves takes nothing else with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kiosk.clock import ManualClock
from kiosk.coupons.batch import Batch
from kiosk.coupons.machine import SHUT_OUT
from kiosk.coupons.record import Change, PoolCode
from kiosk.events import Bus, DeviceState, PrintDone
from kiosk.health import gather
from kiosk.health.gather import Gatherer, HubView, Told
from kiosk.journal.store import Journal
from kiosk.printing.printers.port import Outcome, Status
from kiosk.printing.profiles import PROFILES

NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)


class Paper:
    """A printer that says what the test says."""

    def __init__(self, name: str) -> None:
        self.name, self.url = name, f"tcp://{name}"
        self.profile, self.wants = PROFILES["generic-58"], "escpos"
        self.state: Status | Exception = Status("ok")
        self.asked = asyncio.Event()
        self.times = 0

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def send(self, data: bytes, *, rid: str, deadline_s: float) -> Outcome:
        raise AssertionError("health prints nothing")

    async def status(self) -> Status:
        self.times += 1
        self.asked.set()
        if isinstance(self.state, Exception):
            raise self.state
        return self.state


class Rig:
    def __init__(self, journal: Journal, clock: ManualClock, bus: Bus) -> None:
        self.journal, self.clock, self.bus = journal, clock, bus
        self.main, self.mirror = Paper("counter"), Paper("copy")
        self.hub = HubView("https://hub.example.test", "accepted", False, True, 30.0)
        self.told = Told()
        self.states: list[DeviceState] = []
        bus.on(DeviceState, self.states.append)
        self.gatherer = Gatherer(
            journal,
            bus,
            clock,
            data_dir=journal.dir,
            printers=[self.main],  # type: ignore[list-item]
            mirrors=[self.mirror],  # type: ignore[list-item]
            devices=[],
            hub=lambda: self.hub,
            page_proof=lambda: "ok",
            told=lambda: self.told,
        )


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    clock, bus = ManualClock(NOW), Bus()
    journal = Journal(tmp_path / "data", clock, bus)
    await journal.start()
    yield Rig(journal, clock, bus)
    await journal.stop()


async def test_a_well_kiosk_has_no_finding(rig: Rig) -> None:
    await rig.gatherer.ask_printers()
    facts = await rig.gatherer.facts()
    assert (facts.hub_url, facts.reachable, facts.last_sync) == (
        rig.hub.url,
        "ok",
        NOW - timedelta(seconds=30),
    )
    assert [(p.name, p.mirror) for p in facts.printers] == [("counter", False), ("copy", True)]
    assert facts.free_bytes > 0
    assert 0 < facts.free_share <= 1
    findings, lights = await rig.gatherer.examine()
    assert [f.name for f in findings if f.name != "disk"] == []
    assert {n: light.state for n, light in lights.items()} == dict.fromkeys(lights, "ok")


async def test_printers_that_were_not_asked_yet_accuse_nobody(rig: Rig) -> None:
    assert [p.state for p in rig.gatherer.printers()] == ["starting", "starting"]
    assert (await rig.gatherer.facts()).printers == ()


async def test_a_change_is_told_once(rig: Rig) -> None:
    await rig.gatherer.ask_printers()
    await rig.gatherer.ask_printers()
    rig.main.state = Status("out", "no paper")
    await rig.gatherer.ask_printers()
    assert [(e.device, e.state) for e in rig.states] == [
        ("printer:counter", "ok"),
        ("printer:copy", "ok"),
        ("printer:counter", "out"),
    ]
    findings, lights = await rig.gatherer.examine()
    assert ("printers", "error") in [(f.name, f.severity) for f in findings]
    assert lights["service"].state == "no"


async def test_a_printer_that_fails_to_answer_takes_no_other_with_it(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rig.main.state = RuntimeError("driver broke")
    await rig.gatherer.ask_printers()
    assert {p.name: p.state for p in rig.gatherer.printers()} == {"counter": "error", "copy": "ok"}
    assert "driver broke" in caplog.text

    async def never() -> Status:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(gather, "ANSWER_S", 0.01)
    monkeypatch.setattr(rig.main, "status", never)
    await rig.gatherer.ask_printers()
    assert {p.name: p.state for p in rig.gatherer.printers()} == {"counter": "nobody_answered", "copy": "ok"}


async def test_a_slip_that_failed_makes_the_next_look_come_at_once(rig: Rig) -> None:
    await rig.gatherer.start()
    try:
        async with asyncio.timeout(10):
            await rig.main.asked.wait()
            rig.main.asked.clear()
            rig.bus.publish(PrintDone(job="j", outcome="failed", reason="blocked"))
            await rig.main.asked.wait()
        assert rig.main.times == 2
        rig.bus.publish(PrintDone(job="j", outcome="printed"))
        await asyncio.sleep(0)
        assert rig.main.times == 2
    finally:
        await rig.gatherer.stop()


async def test_the_journal_is_part_of_the_facts(rig: Rig) -> None:
    batch = Batch(
        stock_id="S2", number=2, product="slip_coupon", name="x", value=1, threshold=0, begins=NOW, ends=NOW
    )
    await rig.journal.apply("p", [Change("put", "batch", "S2", 1, msgspec.to_builtins(batch))])
    await rig.journal.put_codes("S2", [PoolCode("2-1", "C1:1", "A1"), PoolCode("2-2", "C1:2", "A2")])
    await rig.journal.hand_out("p1", "S2", "S0001")
    await rig.journal.job_add("j1", "p1", "coupon", b"{}", {})
    await rig.journal.job_mark("j1", "unknown", {}, item=True)
    rig.clock.advance(7200)
    facts = await rig.gatherer.facts()
    assert (facts.pool_left, facts.unknown_prints, facts.backlog, facts.oldest) == (1, 1, 3, NOW)
    findings, lights = await rig.gatherer.examine()
    assert {"journal", "prints"} <= {f.name for f in findings}
    assert lights["in_sync"].state == "no"
    rig.hub = HubView()
    alone = await rig.gatherer.facts()
    assert (alone.hub_url, alone.reachable, alone.backlog, alone.oldest, alone.last_sync) == (
        "",
        "unknown",
        0,
        None,
        None,
    )


async def test_a_damaged_journal_is_told_until_its_file_is_removed(rig: Rig) -> None:
    aside = rig.journal.dir / "journal.damaged-1"
    for path in (aside, Path(f"{aside}-wal")):
        path.write_bytes(b"damaged")
    for _ in range(2):
        findings, _lights = await rig.gatherer.examine()
        (told,) = [f for f in findings if f.name == "damage"]
        assert told.sentence == f"Set aside because of damage: {aside}."
    aside.unlink()
    findings, _lights = await rig.gatherer.examine()
    assert "damage" not in {f.name for f in findings}


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"recovered": "The journal was damaged."}, "journal"),
        ({"account_keys_here": True}, "keys"),
        ({"config_warnings": ("kiosk.toml: unknown setting x is ignored; y.",)}, "config"),
    ],
)
async def test_what_was_found_at_the_start_is_told(rig: Rig, changes: dict[str, Any], name: str) -> None:
    rig.told = Told(**changes)
    findings, _ = await rig.gatherer.examine()
    assert name in {f.name for f in findings}


@pytest.mark.parametrize("away", [True, False])
async def test_a_kiosk_that_was_shut_out_promises_no_redemption_after_a_restart(rig: Rig, away: bool) -> None:
    """It believes that it is let in until the hub answers again; the counter refuses and points here."""
    rig.hub = HubView("https://hub.example.test", "accepted", away, False, None)
    await rig.journal.put("unreconciled", SHUT_OUT)
    findings, _ = await rig.gatherer.examine()
    (told,) = [f for f in findings if f.name == "hub"]
    assert told.severity == "error"
    assert "nothing is redeemed here" in told.sentence
    assert rig.hub.url in told.sentence
    assert "let it in again" in told.suggestion
    for owed in ("1", None):
        await rig.journal.put("unreconciled", owed)
        findings, _ = await rig.gatherer.examine()
        assert [f.severity for f in findings if f.name == "hub"] == (["warning"] if away else [])
