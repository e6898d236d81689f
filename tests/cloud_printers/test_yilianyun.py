"""What is Yilianyun's own: signing, the one token, keys of orders, cancelling, two versions."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import stat
from pathlib import Path

import msgspec
import pytest

from kiosk.coupons.ids import new_rid
from kiosk.printing.printers import yilianyun as module
from kiosk.printing.printers.port import Status
from kiosk.printing.printers.yilianyun import origin_id, taken_back
from kiosk.printing.printers.yilianyun_account import YilianyunAccount
from kiosk.printing.printers.yilianyun_api import kind_of, read_status, sign
from kiosk.printing.printers.yilianyun_token import FETCHES_A_DAY, FILE, Kept
from tests.cloud_printers.rig import Rig, rig, started

CLIENT, SECRET = "1099000123", "4f1c0de5a7b84c6e9d2f3a1b5c7e9f01"


@pytest.mark.parametrize(
    ("at", "signature"),
    [(1767225600, "c2683f8451c141925394ebaad6726570"), (1767225605, "6a7930ec836f7e8b6676a05217b19f13")],
)
def test_signature_vectors(at: int, signature: str) -> None:
    assert sign(CLIENT, SECRET, at) == signature
    made = hashlib.new("md5")
    for part in (CLIENT, str(at), SECRET):
        made.update(part.encode())
    assert made.hexdigest() == signature


def test_the_account_never_shows_its_secret(tmp_path: Path) -> None:
    account = YilianyunAccount(client_id=CLIENT, secret=SECRET, data_dir=tmp_path)
    assert SECRET not in f"{account} {account!r}"
    assert "token-1" not in repr(Kept(CLIENT, token="token-1"))


def test_a_key_is_another_one_for_each_print_and_each_printer() -> None:
    one = origin_id("R" * 24, "4004500001")
    assert one == origin_id("R" * 24, "4004500001")
    assert len({one, origin_id("S" * 24, "4004500001"), origin_id("R" * 24, "4004500002")}) == 3
    for rid in ("R" * 24, "short1", "with-signs/" * 9, "券" * 9):
        made = origin_id(rid, "4004500001")
        assert made.isascii()
        assert made.isalnum()
        assert len(made) <= 32


@pytest.mark.parametrize(
    ("code", "text", "version", "kind"),
    [
        (18, "", 1, "token"), (14, "", 1, "token"), (11, "", 1, "sign"), (41, "", 1, "quota"), (24, "", 1, "nothing_to_cancel"),
        (9, "", 1, "again"), (10, "", 1, "configuration"), (13, "", 1, "other"),
        (1018, "access_token过期或错误", 2, "token"), (1011, "签名验证失败", 2, "sign"), (1041, "获取或刷新token次数超过上限", 2, "quota"),
        (18, "库存不足", 2, "other"),
    ],
)  # fmt: skip
def test_what_a_result_code_asks_for(code: int, text: str, version: int, kind: str) -> None:
    assert kind_of(code, text, version) == kind


@pytest.mark.parametrize(
    ("raw", "state"), [(0, "offline"), ("0", "offline"), (1, "ok"), ("2", "out"), (2, "out"), (None, "error")]
)
def test_words_of_a_state(raw: object, state: str) -> None:
    assert read_status(raw).state == state


@pytest.mark.parametrize(
    ("version", "cancelled", "state", "ended"),
    [
        (2, True, "cancelled", "failed"),
        (2, True, "waiting", "unknown"),  # version 2 would say cancelled
        (1, True, "waiting", "failed"),  # version 1 has one number for both
        (1, False, "waiting", "unknown"),
        (1, True, "printed", "printed"),
        (2, False, "printed", "printed"),
        (2, False, "", "unknown"),
        (2, True, "", "failed"),
    ],
)
def test_what_became_of_an_order_that_was_taken_back(
    version: int, cancelled: bool, state: str, ended: str
) -> None:
    assert taken_back(version, cancelled, state, Status("offline"), 10).ended == ended


def kept(rig: Rig) -> Kept:
    return msgspec.json.decode((rig.directory / FILE).read_bytes(), type=Kept)


async def send(rig: Rig, deadline_s: float = 10) -> str:
    async with started(rig.printer()) as printer:
        return (await printer.send(rig.job, rid=new_rid(), deadline_s=deadline_s)).ended


async def test_the_token_is_kept_for_its_owner_alone_and_outlives_restarts(yilianyun: Rig) -> None:
    for _ in range(3):
        assert await send(yilianyun) == "printed"
    assert yilianyun.sim.tokens.total == 1
    assert stat.S_IMODE((yilianyun.directory / FILE).stat().st_mode) == 0o600
    assert sorted(p.name for p in yilianyun.directory.iterdir()) == [FILE, "yilianyun-token.lock"]


async def test_starting_fetches_nothing(yilianyun: Rig) -> None:
    async with started(yilianyun.printer()):
        pass
    assert yilianyun.sim.calls == []


async def test_all_who_need_a_token_share_one_fetch(yilianyun: Rig) -> None:
    """Two printers in two objects, as daemon and command are two programs, and five questions of each."""
    async with started(yilianyun.printer()) as one, started(yilianyun.printer()) as two:
        states = await asyncio.gather(*(p.status() for p in (one, two) for _ in range(5)))
    assert {s.state for s in states} == {"ok"}
    assert yilianyun.sim.tokens.total == 1


async def test_a_token_that_died_is_renewed_once(yilianyun: Rig) -> None:
    async with started(yilianyun.printer()) as printer:
        assert (await printer.status()).state == "ok"
        yilianyun.sim.set_fault({"fault": "token_expired"})
        assert (await printer.send(yilianyun.job, rid=new_rid(), deadline_s=10)).ended == "printed"
    assert yilianyun.sim.tokens.total == 2
    assert kept(yilianyun).fetched == 2
    assert yilianyun.paper == 1


async def test_another_programs_new_token_is_taken_before_one_is_fetched(yilianyun: Rig) -> None:
    async with started(yilianyun.printer()) as one, started(yilianyun.printer()) as two:
        assert (await one.status()).state == (await two.status()).state == "ok"
        yilianyun.sim.set_fault({"fault": "token_expired"})
        assert (await one.status()).state == "ok"
        assert (await two.status()).state == "ok"
    assert yilianyun.sim.tokens.total == 2


async def test_a_token_that_never_works_is_no_endless_loop(yilianyun: Rig) -> None:
    yilianyun.sim.settings["old_token_s"] = 0
    yilianyun.sim.tokens.is_valid = lambda token: False
    async with started(yilianyun.printer()) as printer:
        outcome = await printer.send(yilianyun.job, rid=new_rid(), deadline_s=5)
    assert (outcome.ended, outcome.trouble) == ("failed", "configuration"), outcome
    assert yilianyun.sim.tokens.total == 2


async def test_the_days_fetches_are_counted_before_they_are_made(yilianyun: Rig) -> None:
    """The cloud's own limit is never run into, also by programs that come and go."""
    yilianyun.sim.tokens.is_valid = lambda token: False
    for _ in range(FETCHES_A_DAY + 5):
        assert await send(yilianyun, 3) == "failed"
    assert yilianyun.sim.tokens.total == FETCHES_A_DAY
    async with started(yilianyun.printer()) as printer:
        outcome = await printer.send(yilianyun.job, rid=new_rid(), deadline_s=3)
    assert "midnight in China" in outcome.detail


async def test_wrong_credentials_do_not_eat_the_days_fetches(yilianyun: Rig) -> None:
    async with started(yilianyun.printer(secret="wrong-secret-of-the-shop")) as printer:
        for _ in range(6):
            assert (await printer.status()).state == "error"
    assert kept(yilianyun).fetched == 1


async def test_when_the_cloud_gives_no_more_tokens_nobody_asks_again_today(yilianyun: Rig) -> None:
    yilianyun.sim.set_fault({"fault": "quota"})
    for _ in range(3):
        assert await send(yilianyun, 3) == "failed"
    assert len(yilianyun.calls("oauth/oauth")) == 1
    assert yilianyun.prints == 0


async def test_a_fetch_that_never_left_does_not_count(yilianyun: Rig) -> None:
    async with started(yilianyun.printer(url="http://127.0.0.1:1/v2")) as printer:
        assert (await printer.status()).state == "nobody_answered"
    assert kept(yilianyun).fetched == 0


async def test_a_damaged_token_file_is_replaced(yilianyun: Rig) -> None:
    (yilianyun.directory / FILE).write_bytes(b'{"client_id": "109900')
    assert await send(yilianyun) == "printed"
    assert kept(yilianyun).token


async def test_a_token_of_another_application_is_not_used(yilianyun: Rig) -> None:
    (yilianyun.directory / FILE).write_bytes(msgspec.json.encode(Kept("other", token="theirs")))
    assert await send(yilianyun) == "printed"
    assert kept(yilianyun).client_id == CLIENT


async def test_a_directory_that_cannot_be_written_fetches_nothing(yilianyun: Rig) -> None:
    (yilianyun.directory / "plain").write_text("no directory")
    yilianyun.directory = yilianyun.directory / "plain"
    async with started(yilianyun.printer()) as printer:
        outcome = await printer.send(yilianyun.job, rid=new_rid(), deadline_s=3)
    assert (outcome.ended, outcome.trouble) == ("failed", "configuration")
    assert "data_dir" in outcome.detail
    assert yilianyun.sim.calls == []


async def test_a_fetch_is_not_broken_off_by_a_deadline(yilianyun: Rig) -> None:
    """A token that was given out and not kept would be one of twenty lost, and would end the one before."""
    yilianyun.sim.set_fault({"fault": "slow", "on": "oauth/oauth", "seconds": 1, "times": 1})
    async with started(yilianyun.printer()) as printer:
        assert (await printer.send(yilianyun.job, rid=new_rid(), deadline_s=0.3)).ended == "failed"
    assert kept(yilianyun).token
    assert await send(yilianyun) == "printed"
    assert yilianyun.sim.tokens.total == 1


async def test_a_slip_that_did_not_come_in_time_is_cancelled_and_stays_so(yilianyun: Rig) -> None:
    yilianyun.device.held = True
    async with started(yilianyun.printer()) as printer:
        outcome = await printer.send(yilianyun.job, rid=new_rid(), deadline_s=3)
        assert outcome.ended == "failed", outcome
        yilianyun.device.press_key()
        assert (await printer.send(yilianyun.job, rid=new_rid(), deadline_s=10)).ended == "printed"
    assert [o.state for o in yilianyun.orders] == ["cancelled", "printed"]
    assert yilianyun.paper == 1


async def test_a_printer_that_is_off_does_not_cost_the_whole_deadline(
    yilianyun: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GRACE_S", 0.3)
    yilianyun.sim.set_fault({"fault": "offline"})
    async with started(yilianyun.printer()) as printer, asyncio.timeout(20):
        outcome = await printer.send(yilianyun.job, rid=new_rid(), deadline_s=60)
    assert (outcome.ended, outcome.trouble) == ("failed", "not_present"), outcome
    assert yilianyun.orders[0].state == "cancelled"


async def test_a_slip_that_prints_while_it_is_cancelled_is_printed(yilianyun: Rig) -> None:
    yilianyun.device.held = True
    yilianyun.sim.set_fault({"fault": "cancel_race"})
    assert await send(yilianyun, 3) == "printed"
    assert yilianyun.paper == 1


async def test_an_order_that_cannot_be_cancelled_is_unknown(yilianyun: Rig) -> None:
    yilianyun.device.held = True
    yilianyun.sim.set_fault({"fault": "http_502", "on": "printer/cancelone"})
    assert await send(yilianyun, 3) == "unknown"


async def test_a_printer_that_cannot_be_reached_is_tried_again_under_one_key(tmp_path: Path) -> None:
    """Version 1's error 9; which of its codes this is, version 2 does not say."""
    async with rig("yilianyun1", tmp_path) as made:
        made.sim.set_fault({"fault": "unreachable", "times": 2})
        assert await send(made) == "printed"
        calls = made.calls("print/index")
    assert len(calls) == 3
    assert len({call["origin_id"] for call in calls}) == 1


async def test_every_order_asks_for_its_key_to_be_honoured(yilianyun: Rig) -> None:
    yilianyun.sim.settings["idempotence_default"] = 0
    yilianyun.sim.set_fault({"fault": "reset_after", "times": 1})
    assert await send(yilianyun) == "printed"
    assert {call["idempotence"] for call in yilianyun.calls("print/index")} == {"1"}
    assert yilianyun.paper == 1
    ids = [call["id"] for call in yilianyun.sim.calls]
    assert len(set(ids)) == len(ids), "each request has a fresh id"


async def test_copies_are_in_the_markup(yilianyun: Rig) -> None:
    async with started(yilianyun.printer()) as printer:
        job = b"<MN>2</MN>" + yilianyun.job
        assert (await printer.send(job, rid=new_rid(), deadline_s=10, copies=2)).ended == "printed"
    assert yilianyun.paper == 2


async def test_no_secret_and_no_token_is_ever_logged(
    yilianyun: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for fault in ("none", "html", "http_502", "token_expired", "bad_signature"):
        yilianyun.sim.set_fault({"fault": fault})
        async with started(yilianyun.printer()) as printer:
            outcome = await printer.send(yilianyun.job, rid=new_rid(), deadline_s=1)
            caplog.handler.handle(logging.makeLogRecord({"msg": outcome.detail}))
    assert SECRET not in caplog.text
    assert kept(yilianyun).token not in caplog.text
