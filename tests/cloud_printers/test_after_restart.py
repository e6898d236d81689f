"""An order of the last run: what each cloud tells of it, by its number alone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kiosk.coupons.ids import new_rid
from kiosk.printing.printers import feie, yilianyun, yilianyun_api
from kiosk.printing.printers.port import Follows, Outcome, when_left
from tests.cloud_printers.rig import Rig, rig, started, until

WHOLE_S = 5.0


async def given(cloud: Rig) -> str:
    """Have an order taken and forget it, as a kill does; return its number."""
    numbers: list[str] = []

    async def note(number: str) -> None:
        numbers.append(number)

    async with started(cloud.printer()) as printer:
        when_left(note)
        sending = asyncio.create_task(printer.send(cloud.job, rid=new_rid(), deadline_s=20))
        when_left(None)
        await until(lambda: bool(numbers))
        sending.cancel()
        await asyncio.wait([sending])
    return numbers[0]


async def became(cloud: Rig, number: str, age_s: float = 1.0) -> Outcome | None:
    async with started(cloud.printer()) as printer:
        assert isinstance(printer, Follows)
        return await printer.follow_up(number, rid="unused", age_s=age_s, whole_s=WHOLE_S)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait long for a printer that stays silent."""
    monkeypatch.setattr(feie, "LATER_S", 3.0)
    monkeypatch.setattr(yilianyun, "GRACE_S", 1.0)
    monkeypatch.setattr(yilianyun, "CALL_S", 2.0)
    monkeypatch.setattr(feie, "CALL_S", 2.0)


async def test_printed_in_between(cloud: Rig) -> None:
    number = await given(cloud)
    await until(lambda: cloud.paper == 1)
    outcome = await became(cloud, number)
    assert outcome is not None
    assert outcome.ended == "printed", outcome
    assert (cloud.paper, cloud.prints) == (1, 1), "nothing was ordered anew"


async def test_a_printer_that_is_slow_is_waited_for(cloud: Rig) -> None:
    cloud.device.held = True
    number = await given(cloud)
    asking = asyncio.create_task(became(cloud, number, age_s=0.0))
    before = len(cloud.sim.calls)
    await until(lambda: len(cloud.sim.calls) > before)
    cloud.device.press_key()
    outcome = await asking
    assert outcome is not None
    assert outcome.ended == "printed", outcome


async def test_what_still_waits_never_ends_as_printed_and_never_as_failed_while_it_may_appear(
    cloud: Rig,
) -> None:
    cloud.device.held = True
    number = await given(cloud)
    outcome = await became(cloud, number, age_s=60)
    assert outcome is not None
    if cloud.can.cancels:
        assert outcome.ended == "failed", outcome
        assert [o.state for o in cloud.orders] == ["cancelled"]
    else:
        assert outcome.ended == "unknown", outcome


async def test_a_cloud_that_is_away_has_not_answered(cloud: Rig) -> None:
    number = await given(cloud)
    cloud.sim.set_fault({"fault": "http_502", "on": "all"})
    assert await became(cloud, number) is None


async def test_an_account_that_is_refused_tells_nothing(cloud: Rig) -> None:
    number = await given(cloud)
    async with started(cloud.printer(secret="another-key")) as printer:
        assert isinstance(printer, Follows)
        outcome = await printer.follow_up(number, rid="unused", age_s=1, whole_s=WHOLE_S)
    assert outcome is not None
    assert (outcome.ended, outcome.trouble) == ("unknown", "configuration"), outcome
    assert "another-key" not in outcome.detail


# -- killed before a number came back: only a cloud with a key of ours can tell --


async def cut_off(cloud: Rig, fault: str) -> str:
    """Break off while the answer to an order is waited for; return our key of it."""
    cloud.sim.set_fault({"fault": fault})
    rid = new_rid()
    async with started(cloud.printer()) as printer:
        sending = asyncio.create_task(printer.send(cloud.job, rid=rid, deadline_s=20))
        await until(lambda: cloud.prints == 1)
        sending.cancel()
        await asyncio.wait([sending])
    return rid


async def told(cloud: Rig, rid: str, age_s: float) -> Outcome | None:
    async with started(cloud.printer()) as printer:
        assert isinstance(printer, Follows)
        assert printer.by_rid
        return await printer.follow_up("", rid=rid, age_s=age_s, whole_s=WHOLE_S)


async def test_an_order_that_arrived_is_found_by_our_key(yilianyun: Rig) -> None:
    rid = await cut_off(yilianyun, "timeout_after")
    await until(lambda: yilianyun.paper == 1)
    outcome = await told(yilianyun, rid, 1.0)
    assert outcome is not None
    assert outcome.ended == "printed", outcome
    assert (yilianyun.paper, len(yilianyun.orders)) == (1, 1)


async def test_an_order_that_waits_is_found_by_our_key_and_taken_back(yilianyun: Rig) -> None:
    yilianyun.device.held = True
    rid = await cut_off(yilianyun, "timeout_after")
    await until(lambda: len(yilianyun.orders) == 1)
    outcome = await told(yilianyun, rid, 60.0)
    assert outcome is not None
    assert outcome.ended == "failed", outcome
    assert [o.state for o in yilianyun.orders] == ["cancelled"]


@pytest.mark.parametrize(("age_s", "ended"), [(1.0, None), (60.0, "failed")])
async def test_an_order_that_never_arrived_is_failed_once_it_cannot_be_late(
    yilianyun: Rig, age_s: float, ended: str | None
) -> None:
    rid = await cut_off(yilianyun, "timeout_before")
    outcome = await told(yilianyun, rid, age_s)
    assert (outcome.ended if outcome else None) == ended
    assert yilianyun.orders == []


async def test_an_order_beyond_the_end_of_the_list_stays_unknown(
    yilianyun: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yilianyun_api, "PAGE", 1)
    rid = await cut_off(yilianyun, "timeout_before")
    yilianyun.sim.set_fault({"fault": "none"})
    async with started(yilianyun.printer()) as printer:
        for _ in range(3):
            assert (await printer.send(yilianyun.job, rid=new_rid(), deadline_s=10)).ended == "printed"
    outcome = await told(yilianyun, rid, 60.0)
    assert outcome is not None
    assert outcome.ended == "unknown", outcome


async def test_feie_has_no_key_of_ours(tmp_path: Path) -> None:
    async with rig("feie", tmp_path) as cloud:
        printer = cloud.printer()
    assert isinstance(printer, Follows)
    assert printer.by_rid is False
