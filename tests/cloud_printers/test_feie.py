"""What is Feie's own: signing, expiry, day counters, words."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time

import pytest

from kiosk.coupons.ids import new_rid
from kiosk.printing.printers import feie as module
from kiosk.printing.printers.feie import life_s, not_printed, unanswered
from kiosk.printing.printers.feie_api import REGIONS, Counted, FeieAccount, read_status, sign
from kiosk.printing.printers.port import Status
from tests.cloud_printers.rig import Rig, started

ON = Status("ok")
OFF = Status("offline", "Feie has not heard from the printer for 2 minutes")


@pytest.mark.parametrize(
    ("user", "sig"),
    [
        ("counter@example.test", "88cd334f79ecfa28fbe25cadfc2ef9420d7dae35"),
        ("柜台@example.test", "021209facdfb385fbf8f72953e7e24dcdd82a5b6"),
    ],
)
def test_signature_vectors(user: str, sig: str) -> None:
    assert sign(user, "Zk3pQ9vLm2Xr7TbW", 1767225600) == sig


def test_the_signature_is_the_published_formula() -> None:
    made = hashlib.new("sha1")
    for part in ("u", "k", "1767225600"):
        made.update(part.encode())
    assert sign("u", "k", 1767225600) == "".join(f"{byte:02x}" for byte in made.digest())


@pytest.mark.parametrize(
    ("words", "state"),
    [
        ("在线，工作状态正常", "ok"),
        ("在线，工作状态正常。", "ok"),
        ("在线，工作状态不正常", "out"),
        ("在线，工作状态不正常。", "out"),
        ("离线", "offline"),
        ("离线。", "offline"),
        ("维护中", "error"),
    ],
)
def test_words_of_a_state(words: str, state: str) -> None:
    assert read_status(words).state == state


def test_the_account_never_shows_its_key() -> None:
    account = FeieAccount(user="counter@example.test", ukey="Zk3pQ9vLm2Xr7TbW")
    assert "Zk3pQ9vLm2Xr7TbW" not in f"{account} {account!r}"
    assert account.base_url == REGIONS["cn"]
    assert all(url.startswith("https://") for url in REGIONS.values())


@pytest.mark.parametrize(
    ("deadline_s", "state", "life"),
    [
        (20, "ok", 16),
        (20, "out", 16),
        (20, "offline", 5),
        (3, "ok", 3),
        (3, "offline", 3),
        (0.5, "ok", 2),
        (10, "ok", 6),
    ],
)
def test_how_long_an_order_may_wait(deadline_s: float, state: str, life: int) -> None:
    assert life_s(deadline_s, state) == life


@pytest.mark.parametrize(
    ("status", "waited_s", "expired", "ended", "trouble"),
    [
        (OFF, 20, True, "failed", "not_present"),
        (OFF, 20, False, "unknown", "not_present"),  # it can still be printed
        (OFF, 130, True, "unknown", "not_present"),  # the printer may have fetched it before it fell silent
        (ON, 20, True, "unknown", "no_answer"),
        (Status("out", "no paper"), 20, True, "unknown", "blocked"),
        (Status("nobody_answered"), 20, True, "unknown", "no_answer"),
    ],
)
def test_when_an_order_that_was_taken_is_certain_not_to_appear(
    status: Status, waited_s: float, expired: bool, ended: str, trouble: str
) -> None:
    outcome = not_printed(status, waited_s, expired, 100)
    assert (outcome.ended, outcome.trouble) == (ended, trouble)
    assert outcome.sent == (0 if ended == "failed" else 100)


DAY, NEXT = "2026-11-25", "2026-11-26"


@pytest.mark.parametrize(
    ("before", "after", "arrived", "expired", "ended"),
    [
        (Counted(DAY, 6, 1), Counted(DAY, 6, 1), False, True, "failed"),
        (Counted(DAY, 6, 1), Counted(DAY, 6, 1), False, False, None),  # it may still be on its way
        (
            Counted(DAY, 6, 1),
            Counted(DAY, 6, 1),
            True,
            True,
            None,
        ),  # it was there and was dropped, or it was handed over
        (Counted(DAY, 6, 1), Counted(DAY, 6, 2), True, True, None),
        (Counted(DAY, 6, 1), Counted(DAY, 7, 1), True, True, "unknown"),
        (Counted(DAY, 6, 1), Counted(NEXT, 0, 0), False, True, None),  # other days cannot be compared
        (None, Counted(DAY, 6, 1), False, True, None),
        (Counted(DAY, 6, 1), None, False, True, None),
    ],
)
def test_what_the_day_counters_tell(
    before: Counted | None, after: Counted | None, arrived: bool, expired: bool, ended: str | None
) -> None:
    outcome = unanswered(before, after, arrived, expired)
    assert (outcome.ended if outcome else None) == ended


async def test_an_order_always_expires_within_a_day_and_says_its_copies(feie: Rig) -> None:
    began = time.time()
    async with started(feie.printer()) as printer:
        assert (await printer.send(feie.job, rid=new_rid(), deadline_s=10, copies=2)).ended == "printed"
    (call,) = feie.calls("Open_printMsg")
    assert call["times"] == "2"
    assert began < int(call["expired"]) < began + 60
    assert set(call) == {"user", "stime", "apiname", "sn", "content", "times", "expired"}
    assert feie.paper == 2


async def test_a_printer_that_is_off_is_failed_once_its_order_has_expired(
    feie: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then a chain may go on to the next printer; switched on, this one prints nothing."""
    monkeypatch.setattr(module, "OFF_LIFE_S", 2)
    feie.sim.set_fault({"fault": "offline"})
    async with started(feie.printer()) as printer:
        outcome = await printer.send(feie.job, rid=new_rid(), deadline_s=20)
        assert (outcome.ended, outcome.trouble) == ("failed", "not_present"), outcome
        feie.sim.set_fault({"fault": "online"})
        assert (await printer.send(feie.job, rid=new_rid(), deadline_s=10)).ended == "printed"
    assert [o.state for o in feie.orders] == ["dropped", "printed"]
    assert feie.paper == 1


async def test_a_lost_answer_with_a_slip_on_paper_says_so(feie: Rig) -> None:
    feie.sim.set_fault({"fault": "reset_after"})
    async with started(feie.printer()) as printer:
        outcome = await printer.send(feie.job, rid=new_rid(), deadline_s=10)
    assert outcome.ended == "unknown"
    assert "a slip was printed" in outcome.detail
    assert feie.prints == 1


async def test_counters_are_looked_at_before_each_order(feie: Rig) -> None:
    async with started(feie.printer()) as printer:
        await printer.send(feie.job, rid=new_rid(), deadline_s=10)
    names = [call["apiname"] for call in feie.sim.calls]
    assert names.index("Open_queryOrderInfoByDate") < names.index("Open_printMsg")


async def test_an_acknowledgement_that_is_lost_is_unknown(feie: Rig) -> None:
    feie.sim.set_fault({"fault": "deaf"})
    async with started(feie.printer()) as printer:
        outcome = await printer.send(feie.job, rid=new_rid(), deadline_s=1.5)
    assert (outcome.ended, feie.paper) == ("unknown", 1)


async def test_a_slip_of_more_than_5000_bytes_is_not_sent(feie: Rig) -> None:
    async with started(feie.printer()) as printer:
        outcome = await printer.send("券".encode() * 1667, rid=new_rid(), deadline_s=5)
    assert (outcome.ended, outcome.trouble) == ("failed", "configuration")
    assert "5001 bytes" in outcome.detail
    assert feie.sim.calls == []


async def test_another_region_is_named(feie: Rig) -> None:
    async with started(feie.printer(number="920000002")) as printer:
        outcome = await printer.send(feie.job, rid=new_rid(), deadline_s=5)
    assert "1002" in outcome.detail
    assert REGIONS["jp"] in outcome.detail


async def test_no_key_and_no_signature_is_ever_logged(feie: Rig, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for fault in ("none", "html", "http_502", "reset_after", "bad_signature"):
        feie.sim.set_fault({"fault": fault})
        async with started(feie.printer()) as printer:
            await printer.send(feie.job, rid=new_rid(), deadline_s=1)
            await printer.status()
    ukey = feie.sim.where()["account"]["ukey"]
    assert ukey not in caplog.text
    assert "sig=" not in caplog.text


async def test_a_job_that_is_cancelled_leaves_nothing_open(feie: Rig) -> None:
    feie.sim.set_fault({"fault": "timeout_before"})
    async with started(feie.printer()) as printer:
        sending = asyncio.create_task(printer.send(feie.job, rid=new_rid(), deadline_s=30))
        for _ in range(500):
            if feie.prints:
                break
            await asyncio.sleep(0.02)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        feie.sim.set_fault({"fault": "none"})
        assert (await printer.send(feie.job, rid=new_rid(), deadline_s=10)).ended == "printed"
