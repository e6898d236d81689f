"""A new code for a slip that may still appear: the old one is void in the same transaction, once, and never after it was redeemed."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from kiosk.clock import ManualClock
from kiosk.coupons.record import Change
from kiosk.events import Bus, PoolChanged
from kiosk.journal.rows import Replaced, Used
from kiosk.journal.store import Journal
from kiosk.journal.voids import Fresh

from .conftest import NOW
from .rows import body, codes, intent, redeem

Open = Callable[..., Awaitable[Journal]]


async def doubted(journal: Journal, n: int = 2, state: str = "unknown") -> str:
    """Hand a code out whose slip ended in doubt; return the job."""
    await journal.put_codes("S2", codes(n))
    await journal.hand_out("p1", "S2", "S0001")
    await journal.job_add("j1", "p1", "coupon", b"{}", {})
    await journal.job_mark("j1", state, {}, item=True)
    return "j1"


async def kinds(journal: Journal) -> list[tuple[str, str]]:
    run = await journal.pending()
    return [(i.kind, i.body.get("coupon", "")) for i in (run.items if run else ())]


async def test_the_old_code_is_void_and_the_new_one_is_claimed(journal: Journal, bus: Bus) -> None:
    left: list[int] = []
    bus.on(PoolChanged, lambda e: left.append(e.left))
    job = await doubted(journal, 3)
    assert await journal.doubted_batch(job) == "S2"
    fresh = await journal.replace_code(job, "p2", "S0001")
    assert isinstance(fresh, Fresh)
    assert (fresh.code.coupon, fresh.void) == ("2-2", "2-1")
    assert (await kinds(journal))[-2:] == [("code_void", "2-1"), ("claim", "2-2")]
    run = await journal.pending()
    assert run is not None
    assert run.items[-2].body == {"coupon": "2-1", "stock_id": "S2", "job": "j1", "by": "2-2"}
    row = await journal.job(job)
    assert row is not None
    assert row.state == "void"
    assert left[-1] == 1
    with pytest.raises(Replaced):
        await journal.intend(intent("r1", "2-1"))
    await redeem(journal, "r2", "2-2")


async def test_a_second_tap_changes_nothing(journal: Journal) -> None:
    job = await doubted(journal, 3)
    assert isinstance(await journal.replace_code(job, "p2", "S0001"), Fresh)
    before = await kinds(journal)
    assert await journal.replace_code(job, "p3", "S0001") == "settled"
    assert await journal.doubted_batch(job) is None
    assert await kinds(journal) == before
    assert await journal.pool_left("S2") == 1


async def test_a_redeemed_code_cannot_be_made_void(journal: Journal) -> None:
    job = await doubted(journal)
    await redeem(journal, "r1", "2-1")
    assert await journal.replace_code(job, "p2", "S0001") == "used"
    with pytest.raises(Used):
        await journal.intend(intent("r2", "2-1"))
    assert await journal.pool_left("S2") == 1, "no code was taken for it"


async def test_a_code_that_is_being_redeemed_waits(journal: Journal) -> None:
    job = await doubted(journal)
    await journal.intend(intent("r1", "2-1"))
    assert await journal.replace_code(job, "p2", "S0001") == "busy"
    await journal.void("r1", "nobody honoured it")
    assert isinstance(await journal.replace_code(job, "p2", "S0001"), Fresh)


async def test_a_rolled_back_redemption_leaves_a_code_that_can_be_made_void(journal: Journal) -> None:
    job = await doubted(journal)
    await redeem(journal, "r1", "2-1")
    assert await journal.rollback("r1", "b1", "wrong customer", "staff")
    assert isinstance(await journal.replace_code(job, "p2", "S0001"), Fresh)


async def test_a_copy_that_is_being_printed_waits(journal: Journal) -> None:
    job = await doubted(journal)
    await journal.job_add("j2", "p1", "coupon", b"{}", {"reprint_of": "of an earlier print"})
    assert await journal.replace_code(job, "p2", "S0001") == "busy"


async def test_a_copy_settles_the_doubt_about_the_slip_that_it_repeats(journal: Journal) -> None:
    job = await doubted(journal)
    assert await journal.job_again(job) is not None
    assert await journal.doubted_batch(job) == "S2", "nothing is printed yet"
    await journal.job_add("j2", "p1", "coupon", b"{}", {"reprint_of": job})
    assert await journal.doubted_batch(job) is None


async def test_a_copy_in_doubt_takes_no_new_code_where_another_is_out(journal: Journal) -> None:
    """The customer holds the slip: its code is good, and stays so."""
    job = await doubted(journal, state="printed")
    await journal.job_add("j2", "p1", "coupon", b"{}", {"reprint_of": job})
    await journal.job_mark("j2", "unknown", {}, item=True)
    assert await journal.doubted_batch("j2") is None
    assert await journal.replace_code("j2", "p2", "S0001") == "settled"
    assert await journal.pool_left("S2") == 1
    await redeem(journal, "r1", "2-1")


@pytest.mark.parametrize("state", ["printed", "failed", "queued", "sending", "sent", "replaced"])
async def test_only_doubt_takes_a_new_code(journal: Journal, state: str) -> None:
    job = await doubted(journal, state=state)
    assert await journal.replace_code(job, "p2", "S0001") == "settled"
    assert await journal.replace_code("nothing", "p2", "S0001") == "settled"


async def test_without_a_new_code_the_old_one_stays_good(journal: Journal) -> None:
    job = await doubted(journal, 1)
    assert await journal.replace_code(job, "p2", "S0001") == "empty"
    await redeem(journal, "r1", "2-1")


async def test_a_void_code_is_never_a_spare_and_never_printed_again(journal: Journal) -> None:
    job = await doubted(journal, 3)
    fresh = await journal.replace_code(job, "p2", "S0001")
    assert isinstance(fresh, Fresh)
    assert await journal.spare("S2") == ("p2", fresh.code), (
        "what the power cut off is printed by the next press"
    )
    assert await journal.job_again(job) is None
    await journal._db.run(lambda db: db.execute("DELETE FROM job"))
    assert await journal.spare("S2") == ("p2", fresh.code)


async def test_what_the_hub_takes_for_another_coupon_is_void_too(journal: Journal) -> None:
    """A short code that this kiosk does not know is only known as a coupon by the hub's answer."""
    job = await doubted(journal)
    await journal.intend(intent("r1", None, "h:unknown"))
    assert isinstance(await journal.replace_code(job, "p2", "S0001"), Fresh)
    with pytest.raises(Replaced):
        await journal.record(
            "r1", body=body("2-1"), code_key="h:unknown", store_name="x", value=300, result={}
        )


async def test_what_another_kiosk_made_void_is_void_here(journal: Journal) -> None:
    await journal.apply("p9", [Change("put", "revocation", "7-7", 9, {"coupon": "7-7"})])
    with pytest.raises(Replaced):
        await journal.intend(intent("r1", "7-7"))


async def test_a_replaced_slip_counts_once_on_the_day(journal: Journal) -> None:
    job = await doubted(journal)
    await journal.replace_code(job, "p2", "S0001")
    (day,) = await journal.day(NOW - timedelta(hours=1), NOW + timedelta(hours=1))
    assert day.claimed == 1


async def test_a_restart_keeps_what_is_void(journal: Journal, opened: Open) -> None:
    job = await doubted(journal)
    await journal.replace_code(job, "p2", "S0001")
    await journal._db.close()
    again = await opened()
    with pytest.raises(Replaced):
        await again.intend(intent("r1", "2-1"))


async def test_a_damaged_table_of_void_codes_is_read_from_the_rows_that_wait(
    journal: Journal, opened: Open, tmp_path: Path
) -> None:
    job = await doubted(journal)
    await journal.replace_code(job, "p2", "S0001")
    await journal._db.run(lambda db: db.execute("DELETE FROM void_code"))
    await journal._db.close()
    file = tmp_path / "data" / "journal.db"
    db = sqlite3.connect(file)
    [page] = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'day_total'").fetchone()
    [size] = db.execute("PRAGMA page_size").fetchone()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    with file.open("r+b") as f:
        f.seek((page - 1) * size)
        f.write(b"\xff" * size)
    again = await opened()
    with pytest.raises(Replaced):
        await again.intend(intent("r1", "2-1"))


KILLED = """
import asyncio, os, signal, sqlite3, sys
from datetime import UTC, datetime
from pathlib import Path
from kiosk.clock import ManualClock
from kiosk.events import Bus
from kiosk.journal.store import Journal

async def run(directory, at):
    journal = Journal(directory, ManualClock(datetime(2026, 11, 24, 4, tzinfo=UTC)), Bus())
    await journal.start()
    seen = 0
    def count(statement):
        nonlocal seen
        seen += 1
        if seen == at:
            os.kill(os.getpid(), signal.SIGKILL)
    await journal._db.read(lambda db: db.set_trace_callback(count))
    await journal.replace_code("j1", "p2", "S0001")
    os._exit(0)

asyncio.run(run(Path(sys.argv[1]), int(sys.argv[2])))
"""


async def standing(directory: Path) -> tuple[bool, bool]:
    """Return whether the old code is good, and whether a new one was handed out."""
    journal = Journal(directory, ManualClock(NOW), Bus())
    await journal.start()
    try:
        good = True
        try:
            await journal.intend(intent("r1", "2-1"))
        except Replaced:
            good = False
        assert (await journal.verify()).ok
        given = await journal.pool_left("S2") == 0
        assert ("code_void", "2-1") in await kinds(journal) or good, "what is void goes up"
        return good, given
    finally:
        await journal._db.close()


@pytest.mark.prove
async def test_kill_9_at_every_statement_leaves_exactly_one_good_code(tmp_path: Path) -> None:
    """P2, P3: the old code or the new one, never both, never neither."""
    ends: set[tuple[bool, bool]] = set()
    for at in range(1, 100):
        place = tmp_path / str(at)
        journal = Journal(place, ManualClock(NOW), Bus())
        await journal.start()
        await doubted(journal)
        await journal.stop()
        ended = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", KILLED, str(place), str(at)], cwd=os.getcwd(), check=False
        )
        good, given = await standing(place)
        assert good is not given, at
        ends.add((good, given))
        if ended.returncode == 0:
            break
        assert ended.returncode == -signal.SIGKILL
    else:
        raise AssertionError("it never came to its end")
    assert ends == {(True, False), (False, True)}
    assert at > 8
