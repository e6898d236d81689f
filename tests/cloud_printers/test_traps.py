"""What clients of the clouds in public code get wrong (facts: cloud-printers 2 to 4) and no other test here looks at."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kiosk.coupons.ids import new_rid
from kiosk.printing.printers import clouds, feie, yilianyun
from kiosk.printing.printers.feie_api import FeieAccount, FeieApi
from kiosk.printing.render import render
from tests.cloud_printers.rig import Rig, rig, started
from tests.printing.made import P58, P80
from tests.printing.test_templates import every

TAGS = {
    "feie": {"BR", "CUT", "LOGO", "PLUGIN", "C", "RIGHT", "BOLD", "L", "W", "B", "CB", "QR", "BC128_A", "BC128_B", "BC128_C"},
    "yilianyun": {"MN", "FB", "FH2", "FW2", "FS2", "center", "right", "QR", "BR2", "BR3"},
}  # fmt: skip
"""Tags that two sources and more agree on. Feie's BR is a line, Yilianyun's a barcode; FW and FS have two widths."""
OPERATIONS = {
    "feie": {"Open_printMsg", "Open_queryOrderState", "Open_queryOrderInfoByDate", "Open_queryPrinterStatus"},
    "yilianyun": {"oauth/oauth", "print/index", "printer/getorderstatus", "printer/getorderpaginglist", "printer/getprintstatus", "printer/cancelone"},
}  # fmt: skip
"""None of them drops other programs' slips."""


@pytest.mark.parametrize("cloud", TAGS)
def test_only_published_tags_are_sent(cloud: str) -> None:
    """Lower case is undefined at Feie, and Yilianyun prints what it does not know."""
    seen = set()
    for profile in (P58, P80):
        for locale in ("zh_CN", "en"):
            for _, made in every(locale):
                seen |= set(re.findall(r"</?(\w+)>", render(made, cloud, profile).data.decode()))
    assert seen
    assert seen <= TAGS[cloud]


async def test_no_call_has_an_empty_value_and_time_is_in_seconds(cloud: Rig) -> None:
    """Feie refuses empty texts, `null` and `undefined`; a demo of its own sends milliseconds; `debug` makes answers unreadable."""
    async with started(cloud.printer()) as printer:
        assert (await printer.send(cloud.job, rid=new_rid(), deadline_s=10)).ended == "printed"
        assert (await printer.status()).state == "ok"
    assert cloud.sim.calls
    for call in cloud.sim.calls:
        assert not {str(v) for v in call.values()} & {"", "null", "undefined", "None"}, call
        assert "debug" not in call
        for name in ("stime", "timestamp"):
            assert len(str(call.get(name, "1767225600"))) == 10


@pytest.mark.parametrize("kind", ["feie", "yilianyun2"])
async def test_only_known_operations_are_asked_for(kind: str, tmp_path: Path) -> None:
    """A queue is never cleared: it holds other programs' slips, and a printer that comes back has printed it by then."""
    async with rig(kind, tmp_path) as cloud:
        cloud.sim.set_fault({"fault": "offline"})
        async with started(cloud.printer()) as printer:
            await printer.send(cloud.job, rid=new_rid(), deadline_s=3)
        name = "apiname" if cloud.cloud == "feie" else "path"
        assert {call[name] for call in cloud.sim.calls} <= OPERATIONS[cloud.cloud]


async def test_signs_of_a_form_arrive_as_they_are(cloud: Rig) -> None:
    """An ampersand or a plus that is not encoded splits the body, and the signature is called wrong."""
    async with started(cloud.printer()) as printer:
        outcome = await printer.send(b"A&B=C+D %26 100%\n", rid=new_rid(), deadline_s=10)
    assert outcome.ended == "printed", outcome
    assert "A&B=C+D %26 100%" in cloud.device.slips[0]["text"]


async def test_every_call_is_signed_anew(cloud: Rig) -> None:
    """A maker's own library signs the first call of a process right and no other."""
    async with started(cloud.printer()) as printer:
        for _ in range(3):
            assert (await printer.send(cloud.job, rid=new_rid(), deadline_s=10)).ended == "printed"
    assert (cloud.paper, cloud.prints) == (3, 3), (
        "the simulator checks each signature, and none was asked for twice"
    )


@pytest.mark.parametrize("code", [-1, -4, 1003, 1008, 1011])
def test_codes_of_another_maker_mean_nothing_at_feie(code: int) -> None:
    """The table that goes round in shops is Xpyun's: its numbers would blame settings that are right."""
    told, trouble = FeieApi(FeieAccount(user="u", ukey="k"))._why(code, "?")
    assert trouble == "io"
    assert "correct" not in told


def test_the_ways_to_the_clouds_are_encrypted() -> None:
    """The signatures cover no content: over plain HTTP it could be changed on the way, and said again."""
    assert all(url.startswith("https://") for url in feie.REGIONS.values())
    assert yilianyun.CHINA_URL.startswith("https://")
    assert set(clouds.MODULES) >= {"feie", "yilianyun"}


async def test_numbers_of_orders_are_texts(yilianyun: Rig) -> None:
    """They are larger than 2^31, and a text in version 1."""
    yilianyun.device.held = True
    async with started(yilianyun.printer()) as printer:
        outcome = await printer.send(yilianyun.job, rid=new_rid(), deadline_s=3)
    (order,) = yilianyun.orders
    assert int(order.id) > 2**31
    assert outcome.ended == "failed", "it was cancelled by that number"
