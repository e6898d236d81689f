"""What a driver says of its cloud is what the cloud does."""

from __future__ import annotations

import pytest

from kiosk.coupons.ids import new_rid
from kiosk.printing import feie as feie_markup
from kiosk.printing import yilianyun as yilianyun_markup
from kiosk.printing.printers.abilities import Abilities
from kiosk.printing.slip import Cut, Drawer, Text
from tests.cloud_printers.rig import Rig, started
from tests.printing.made import P58, slip

RENDER = {"feie": feie_markup.render, "yilianyun": yilianyun_markup.render}


def can(cloud: Rig) -> Abilities:
    found: Abilities = cloud.printer().can  # type: ignore[attr-defined]
    return found


async def test_the_longest_order(cloud: Rig) -> None:
    abilities = can(cloud)
    sign = "a" if abilities.unit == "bytes" else "长"
    async with started(cloud.printer()) as printer:
        for size, ended in [(abilities.most, "printed"), (abilities.most + 1, "failed")]:
            job = (sign * size).encode()
            outcome = await printer.send(job, rid=new_rid(), deadline_s=15)
            assert outcome.ended == ended, outcome
    assert f"{abilities.most + 1} {abilities.unit}" in outcome.detail
    assert "shorten" in outcome.detail
    assert cloud.prints == 1


async def test_a_key_of_ours(cloud: Rig) -> None:
    """Where there is one, the same print twice is one order; where there is none, nobody may send it twice."""
    rid = new_rid()
    async with started(cloud.printer()) as printer:
        for _ in range(2):
            assert (await printer.send(cloud.job, rid=rid, deadline_s=10)).ended == "printed"
    assert len(cloud.orders) == (1 if can(cloud).same_key_s else 2)


async def test_what_is_given_with_an_order(cloud: Rig) -> None:
    async with started(cloud.printer()) as printer:
        await printer.send(cloud.job, rid=new_rid(), deadline_s=10, copies=2)
    (order,) = cloud.orders
    assert (order.expires is not None) is can(cloud).expires
    assert order.copies == (2 if can(cloud).copies == "param" else 1)


def test_what_a_slip_may_hold(cloud: Rig) -> None:
    abilities = can(cloud)
    render = RENDER[cloud.cloud]
    assert (render(slip(Drawer()), P58).report.lost == ()) is abilities.opens_drawer
    cut = render(slip(Text(text="a"), Cut()), P58).report
    assert (cut.lost + cut.degraded == ()) is abilities.cuts
    assert (b"3" in render(slip(Text(text="a"), copies=3), P58).data) is (abilities.copies == "tag")


@pytest.mark.parametrize("most", [0, 3])
def test_a_cloud_without_a_limit(most: int) -> None:
    assert (Abilities(most=most).too_long("Cloud", b"four") is None) is (most == 0)
