"""What a driver says of its cloud is what the cloud does, flag by flag (facts: cloud-printers 5)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kiosk.coupons.ids import new_rid
from kiosk.printing import feie as feie_markup
from kiosk.printing import yilianyun as yilianyun_markup
from kiosk.printing.printers import yilianyun
from kiosk.printing.printers.abilities import Abilities
from kiosk.printing.printers.factory import open_printer
from kiosk.printing.printers.port import Follows, PrinterError
from kiosk.printing.profiles import profile
from kiosk.printing.slip import Cut, Drawer, Text
from simulators import feie_ops, yilianyun_ops
from tests.cloud_printers.rig import Rig, started
from tests.printing.made import P58, slip


async def test_the_longest_order(cloud: Rig) -> None:
    """`most`, `unit`."""
    sign = "a" if cloud.can.unit == "bytes" else "长"
    async with started(cloud.printer()) as printer:
        for size, ended in [(cloud.can.most, "printed"), (cloud.can.most + 1, "failed")]:
            job = (sign * size).encode()
            outcome = await printer.send(job, rid=new_rid(), deadline_s=15)
            assert outcome.ended == ended, outcome
    assert f"{cloud.can.most + 1} {cloud.can.unit}" in outcome.detail
    assert "shorten" in outcome.detail
    assert cloud.prints == 1


async def test_a_key_of_ours(cloud: Rig) -> None:
    """`same_key_s`: where there is one, the same print twice is one order; else nobody may send it twice."""
    rid = new_rid()
    async with started(cloud.printer()) as printer:
        for _ in range(2):
            assert (await printer.send(cloud.job, rid=rid, deadline_s=10)).ended == "printed"
    assert len(cloud.orders) == (1 if cloud.can.same_key_s else 2)


async def test_what_is_given_with_an_order(cloud: Rig) -> None:
    """`expires`, `copies`."""
    async with started(cloud.printer()) as printer:
        await printer.send(cloud.job, rid=new_rid(), deadline_s=10, copies=2)
    (order,) = cloud.orders
    assert (order.expires is not None) is cloud.can.expires
    assert order.copies == (2 if cloud.can.copies == "param" else 1)


async def test_what_becomes_of_an_order_that_is_not_printed(
    cloud: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`cancels`: taken back, so nothing can appear; else it may, and the outcome does not say more."""
    monkeypatch.setattr(yilianyun, "GRACE_S", 0.5)
    cloud.device.held = True
    async with started(cloud.printer()) as printer:
        outcome = await printer.send(cloud.job, rid=new_rid(), deadline_s=4)
    (order,) = cloud.orders
    if cloud.can.cancels:
        assert (outcome.ended, order.state) == ("failed", "cancelled"), outcome
    else:
        assert (outcome.ended, order.state) == ("unknown", "waiting"), outcome
        assert outcome.detail.endswith(cloud.can.later(cloud.driver.title))


async def test_a_printer_that_is_off(cloud: Rig) -> None:
    """`refuses_offline`: the order is not even kept."""
    cloud.sim.set_fault({"fault": "offline"})
    async with started(cloud.printer()) as printer:
        outcome = await printer.send(cloud.job, rid=new_rid(), deadline_s=3)
    assert outcome.trouble == "not_present", outcome
    if cloud.can.refuses_offline:
        assert (outcome.ended, cloud.orders) == ("failed", []), outcome
    else:
        assert len(cloud.orders) == 1


async def test_an_order_is_found_by_our_key(cloud: Rig) -> None:
    """`lists`, with `same_key_s`: an order without a number is looked for."""
    printer = cloud.printer()
    assert isinstance(printer, Follows)
    assert printer.by_rid is (cloud.can.lists and cloud.can.same_key_s > 0)
    if printer.by_rid:
        rid = new_rid()
        async with started(printer):
            assert (await printer.send(cloud.job, rid=rid, deadline_s=10)).ended == "printed"
            found = await printer.follow_up("", rid=rid, age_s=1, whole_s=5)
        assert found is not None
        assert found.ended == "printed"


def test_what_a_cloud_can_and_we_do_not_use(cloud: Rig) -> None:
    """`clears`, `calls_back`: the simulators have what the vendors publish; what a call does is in `test_called_back`."""
    operations = {"feie": feie_ops.OPERATIONS, "yilianyun": yilianyun_ops.OPERATIONS}.get(cloud.cloud, {})
    assert ({"Open_delPrinterSqs", "printer/cancelall"} & set(operations) != set()) is cloud.can.clears
    assert hasattr(cloud.sim, "pushes") is cloud.can.calls_back
    assert bool(cloud.driver.thanks) is cloud.can.calls_back
    told = cloud.can.later(cloud.driver.title)
    assert ("clear" in told) is (cloud.can.clears and not cloud.can.lists)


def test_what_a_slip_may_hold(cloud: Rig) -> None:
    """`opens_drawer`, `cuts`, `copies`."""
    render = cloud.driver.render
    assert (render(slip(Drawer()), P58).report.lost == ()) is cloud.can.opens_drawer
    cut = render(slip(Text(text="a"), Cut()), P58).report
    assert (cut.lost + cut.degraded == ()) is cloud.can.cuts
    assert (b"3" in render(slip(Text(text="a"), copies=3), P58).data) is (cloud.can.copies == "tag")


def test_paper_that_a_clouds_printers_do_not_take(cloud: Rig) -> None:
    """`columns`."""
    url = f"{cloud.cloud}://{cloud.driver.example}"
    for name in ("generic-58", "generic-80", "graphic-safe"):
        assert profile(name).columns in cloud.can.columns
    with pytest.raises(PrinterError, match=r"42 columns, printers at .* have 32 or 48; use generic-58"):
        open_printer("cloud", url, "generic-58", override={"width_dots": 504})


@pytest.mark.parametrize("most", [0, 3])
def test_a_cloud_without_a_limit(most: int) -> None:
    assert (Abilities(most=most).too_long("Cloud", b"four") is None) is (most == 0)


def test_the_page_says_the_same() -> None:
    page = (Path(__file__).parents[2] / "docs" / "cloud-printers.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| [^|]* \| ([^|]*) \| ([^|]*) \|$", page, re.MULTILINE)
    told = {flag: (feie, yilianyun) for flag, feie, yilianyun in rows if flag in Abilities.__struct_fields__}
    assert set(told) == set(Abilities.__struct_fields__)
    words = {True: "yes", False: "no"}
    for n, cans in enumerate((feie_markup.CAN, yilianyun_markup.CAN)):
        for flag, columns in told.items():
            value = getattr(cans, flag)
            if isinstance(value, bool):
                value = words[value]
            shown = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
            assert columns[n] == shown, flag
