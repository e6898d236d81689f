"""What every printer of a cloud promises, whatever goes wrong on the way: the outcome never claims more than is so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from kiosk.coupons.ids import new_rid
from kiosk.printing.printers import yilianyun as yilianyun_module
from kiosk.printing.printers.port import Outcome
from tests.cloud_printers.rig import CLOUDS, Rig, rig, started, until

LOST = (
    "timeout_before",
    "timeout_after",
    "reset_before",
    "reset_after",
    "http_502",
    "http_502_after",
    "html",
    "html_after",
)
"""Faults after which nobody can know from the answer whether the order arrived."""


async def send(rig: Rig, deadline_s: float = 10, **make: object) -> Outcome:
    async with started(rig.printer(**make)) as printer:  # type: ignore[arg-type]
        return await printer.send(rig.job, rid=new_rid(), deadline_s=deadline_s)


async def test_printed_means_that_the_printer_acknowledged(cloud: Rig) -> None:
    outcome = await send(cloud)
    assert outcome.ended == "printed", outcome
    assert outcome.sent == len(cloud.job)
    assert [o.state for o in cloud.orders] == ["printed"]
    assert "满20减3" in cloud.device.slips[0]["text"]


async def side_by_side(
    kinds: Sequence[str], faults: Sequence[str], directory: Path, check: Callable[[Rig, str], Awaitable[None]]
) -> None:
    """Check every fault, each on a cloud of its own: what they wait for, they wait for together."""

    async def one(kind: str, fault: str) -> None:
        async with rig(kind, directory / kind / fault) as made:
            await check(made, fault)

    async with asyncio.TaskGroup() as group:
        for kind in kinds:
            for fault in faults:
                group.create_task(one(kind, fault))


async def test_accepted_is_not_printed(tmp_path: Path) -> None:
    async def check(cloud: Rig, _: str) -> None:
        cloud.device.held = True
        outcome = await send(cloud, 3)
        assert outcome.ended != "printed"
        assert len(cloud.orders) == 1
        assert cloud.paper == 0

    await side_by_side(CLOUDS, ["held"], tmp_path, check)


@pytest.mark.parametrize("kind", CLOUDS)
async def test_a_lost_answer_never_prints_twice_and_never_lies(kind: str, tmp_path: Path) -> None:
    async def check(cloud: Rig, fault: str) -> None:
        cloud.sim.set_fault({"fault": fault})
        outcome = await send(cloud, 5)
        arrived = fault.endswith("_after")
        if arrived:
            await until(lambda: cloud.paper == 1)
        assert outcome.ended == "unknown", (fault, outcome)
        assert len(cloud.orders) == int(arrived), fault
        assert cloud.paper == int(arrived), fault
        assert cloud.prints == 1 or cloud.can.same_key_s, fault

    await side_by_side([kind], LOST, tmp_path, check)


@pytest.mark.parametrize("kind", ["yilianyun1", "yilianyun2"])
async def test_a_clouds_own_key_makes_a_second_try_safe(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yilianyun_module, "CALL_S", 2.0)

    async def check(cloud: Rig, fault: str) -> None:
        cloud.sim.set_fault({"fault": fault, "times": 1})
        outcome = await send(cloud, 12)
        assert outcome.ended == "printed", (fault, outcome)
        assert cloud.prints == 2, fault
        assert len({call["origin_id"] for call in cloud.calls("print/index")}) == 1, fault
        assert cloud.paper == 1, fault

    await side_by_side([kind], LOST, tmp_path, check)


async def test_nobody_there_is_failed_with_nothing_sent(cloud: Rig) -> None:
    outcome = await send(cloud, url="http://127.0.0.1:1/")
    assert (outcome.ended, outcome.trouble, outcome.sent) == ("failed", "not_present", 0)


async def test_a_page_instead_of_an_answer_to_every_question_is_failed(cloud: Rig) -> None:
    """A hotel's login page answers everything: it shows before an order is given."""
    cloud.sim.set_fault({"fault": "html", "on": "all"})
    outcome = await send(cloud, 3)
    assert outcome.ended == "failed", outcome
    assert cloud.prints == 0


async def test_a_wrong_key_is_a_setting_to_correct(cloud: Rig) -> None:
    outcome = await send(cloud, secret="wrong-key-of-the-shop")
    assert (outcome.ended, outcome.trouble) == ("failed", "configuration"), outcome
    assert "wrong-key-of-the-shop" not in outcome.detail
    assert cloud.orders == []


async def test_a_wrong_clock_is_put_right_by_the_clouds(cloud: Rig) -> None:
    outcome = await send(cloud, clock=lambda: time.time() - 86_400)
    assert outcome.ended == "printed", outcome


async def test_a_signature_refused_for_another_reason_is_no_endless_loop(cloud: Rig) -> None:
    cloud.sim.set_fault({"fault": "bad_signature"})
    outcome = await send(cloud)
    assert (outcome.ended, outcome.trouble) == ("failed", "configuration"), outcome
    assert len(cloud.sim.calls) <= 4


async def test_a_full_queue_is_failed(cloud: Rig) -> None:
    cloud.sim.set_fault({"fault": "queue_full"})
    outcome = await send(cloud)
    assert outcome.ended == "failed", outcome
    assert cloud.orders == []


async def test_a_printer_of_others_is_a_setting_to_correct(cloud: Rig) -> None:
    other = list(cloud.sim.devices)[1]
    outcome = await send(cloud, number=other)
    assert (outcome.ended, outcome.trouble) == (
        "failed",
        "configuration" if cloud.kind != "yilianyun2" else "io",
    )
    assert cloud.orders == []


CANNOT = {"offline": ("not_present", "offline"), "paper_out": ("blocked", "out")}


async def test_a_printer_that_cannot_print_does_so_later_only_if_the_outcome_allows_it(
    tmp_path: Path,
) -> None:
    async def check(cloud: Rig, fault: str) -> None:
        cloud.sim.set_fault({"fault": fault})
        async with started(cloud.printer()) as printer:
            outcome = await printer.send(cloud.job, rid=new_rid(), deadline_s=3)
            assert outcome.ended != "printed"
            assert outcome.trouble == CANNOT[fault][0], outcome
            assert (await printer.status()).state == CANNOT[fault][1]
            cloud.sim.set_fault({"fault": "none"})
            again = await printer.send(cloud.job, rid=new_rid(), deadline_s=15)
            assert again.ended == "printed"
            assert (await printer.status()).state == "ok"
        if outcome.ended == "failed":
            assert cloud.paper == 1

    await side_by_side(CLOUDS, list(CANNOT), tmp_path, check)


async def test_a_reprint_is_another_order(cloud: Rig) -> None:
    async with started(cloud.printer()) as printer:
        for _ in range(2):
            assert (await printer.send(cloud.job, rid=new_rid(), deadline_s=10)).ended == "printed"
    assert cloud.paper == 2


async def test_stopping_waits_for_the_order_under_way(cloud: Rig) -> None:
    printer = cloud.printer()
    await printer.start()
    sending = asyncio.create_task(printer.send(cloud.job, rid=new_rid(), deadline_s=10))
    await until(lambda: bool(cloud.sim.calls))
    await printer.stop()
    assert (await sending).ended == "printed"


async def test_a_status_of_a_dead_cloud_is_nobody_answered(cloud: Rig) -> None:
    async with started(cloud.printer(url="http://127.0.0.1:1/")) as printer:
        assert (await printer.status()).state == "nobody_answered"


async def test_a_status_with_wrong_credentials_is_an_error_that_says_so(cloud: Rig) -> None:
    async with started(cloud.printer(secret="wrong-key-of-the-shop")) as printer:
        status = await printer.status()
    assert status.state == "error"
    assert "correct" in status.detail


async def test_what_may_have_left_is_known_while_it_is_under_way(cloud: Rig) -> None:
    """Who cancels a job, as a stopping daemon does, has to know whether it can still appear."""
    cloud.sim.set_fault({"fault": "timeout_before"})
    async with started(cloud.printer()) as printer:
        assert printer.sent == 0  # type: ignore[attr-defined]
        sending = asyncio.create_task(printer.send(cloud.job, rid=new_rid(), deadline_s=30))
        await until(lambda: cloud.prints == 1)
        assert printer.sent == len(cloud.job)  # type: ignore[attr-defined]
        sending.cancel()
        await asyncio.wait([sending])
        assert sending.cancelled()
    async with started(cloud.printer(url="http://127.0.0.1:1/")) as printer:
        await printer.send(cloud.job, rid=new_rid(), deadline_s=5)
        assert printer.sent == 0  # type: ignore[attr-defined]
