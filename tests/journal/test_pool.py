"""Slip codes: handed out once each, in order, and a slip that never reached a printer is printed later."""

from __future__ import annotations

from datetime import timedelta

from kiosk.clock import ManualClock
from kiosk.events import Bus, PoolChanged
from kiosk.journal.store import Journal

from .conftest import NOW
from .rows import codes


async def test_codes_go_out_in_order_once_each(journal: Journal, bus: Bus) -> None:
    left: list[int] = []
    bus.on(PoolChanged, lambda e: left.append(e.left))
    assert await journal.put_codes("S2", codes(3)) == 3
    assert await journal.put_codes("S2", codes(4)) == 1
    taken = [await journal.hand_out(f"p{n}", "S2", "S0001") for n in range(5)]
    assert [c.coupon if c else None for c in taken] == ["2-1", "2-2", "2-3", "2-4", None]
    assert left == [3, 4, 3, 2, 1, 0]
    run = await journal.pending()
    assert run is not None
    assert [(i.kind, i.rid, i.body["coupon"]) for i in run.items[:2]] == [
        ("claim", "p0", "2-1"),
        ("claim", "p1", "2-2"),
    ]
    assert len(run.items) == 4


async def test_claims_of_an_hour_are_counted(journal: Journal, clock: ManualClock) -> None:
    await journal.put_codes("S2", codes(3))
    await journal.hand_out("p1", "S2", "S0001")
    clock.advance(1800)
    await journal.hand_out("p2", "S2", "S0001")
    assert await journal.handed_out(NOW) == 2
    assert await journal.handed_out(NOW + timedelta(minutes=1)) == 1
    assert await journal.last_handed_out() == NOW + timedelta(minutes=30)


async def test_a_clock_that_ran_ahead_does_not_block_the_button_for_years(
    journal: Journal, clock: ManualClock
) -> None:
    await journal.put_codes("S2", codes(2))
    clock.at = NOW + timedelta(days=4000)
    await journal.hand_out("p1", "S2", "S0001")
    clock.at = NOW
    assert await journal.handed_out(NOW - timedelta(days=1)) == 0


async def test_a_slip_is_a_spare_only_while_all_its_jobs_have_failed(journal: Journal) -> None:
    await journal.put_codes("S2", codes(2))
    code = await journal.hand_out("p1", "S2", "S0001")
    assert await journal.spare("S2") == ("p1", code)
    for n, (state, spare) in enumerate([("failed", True), ("failed", True), ("unknown", False)]):
        await journal.job_add(f"j{n}", "p1", "coupon", b"{}", {"n": n})
        assert await journal.spare("S2") is None
        await journal.job_mark(f"j{n}", state, {"why": "paper"}, item=True)
        assert (await journal.spare("S2") is not None) == spare
    assert await journal.spare("S1") is None


async def test_jobs_are_found_by_state_and_carry_their_detail(journal: Journal, clock: ManualClock) -> None:
    await journal.job_add("j1", "p1", "coupon", b'{"version":1}', {"printer": "counter"})
    clock.advance(2)
    await journal.job_mark("j1", "sending", {}, item=False)
    await journal.job_mark("j1", "printed", {"bytes": 5}, item=True)
    job = await journal.job("j1")
    assert job is not None
    assert (job.state, job.detail, job.slip) == (
        "printed",
        {"printer": "counter", "bytes": 5},
        b'{"version":1}',
    )
    assert job.changed_at - job.at == timedelta(seconds=2)
    assert await journal.jobs(("queued", "unknown")) == []
    assert [j.id for j in await journal.jobs()] == ["j1"]
    run = await journal.pending()
    assert run is not None
    assert [i.kind for i in run.items] == ["print_job", "print_result"]


async def test_a_short_code_of_the_own_pool_is_known(journal: Journal) -> None:
    await journal.put_codes("S2", codes(1))
    found = await journal.pool_code("A00000000001")
    assert found is not None
    assert (found[0], found[1].coupon) == ("S2", "2-1")
    assert await journal.pool_code("A99999999999") is None
