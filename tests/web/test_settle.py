"""A slip of which nobody knows: the staff say that it came out, or print it again."""

from __future__ import annotations

import asyncio
import json

import sqlalchemy as sa

from hub.schema import coupons
from kiosk.printing.printers.port import Outcome, Status, Wants
from kiosk.printing.profiles import PROFILES
from tests.web.rig import SLIP, SOON_S
from tests.web.test_staff import Staff, staff

__all__ = ["staff"]


class Doubtful:
    """A printer whose paper runs out in every slip."""

    wants: Wants = "escpos"
    name, url, profile, sent = "doubtful", "fake://", PROFILES["generic-58"], 0

    async def start(self) -> None:
        """Do nothing."""

    async def stop(self) -> None:
        """Do nothing."""

    async def send(self, job: bytes, *, rid: str, deadline_s: float, copies: int = 1) -> Outcome:
        """Take all of it and never confirm."""
        return Outcome("unknown", "blocked", "no paper", len(job))

    async def status(self) -> Status:
        """Have no paper."""
        return Status("out")


async def test_it_came_out_or_is_printed_again(staff: Staff) -> None:
    spooler = staff.kiosk.daemon.spooler
    printers, spooler.printers = spooler.printers, [Doubtful()]
    for _ in range(2):
        assert (await staff.do("claim-slip"))[1]["ok"] is False
    spooler.printers = printers
    journal = staff.kiosk.daemon.journal
    first, second = (j.id for j in await journal.jobs(("unknown",)))
    page = await staff.page(path="/staff/coupons")
    assert f'data-settle="{first}"' in page
    assert "已出纸" in page
    assert (await staff.do("settle", {"job": first}))[1] == {"ok": True, "message": "已打印"}
    assert (await staff.do("settle", {"job": first}))[1]["ok"] is False, "once is enough"
    assert (await staff.do("reprint", {"job": second}))[1]["ok"] is True
    assert await journal.jobs(("unknown",)) == [], "nobody is asked any more"
    page = await staff.page(path="/staff/coupons")
    assert "data-settle" not in page
    assert "已重打" in page


async def test_a_new_code_takes_the_place_of_a_slip_that_may_still_appear(staff: Staff) -> None:
    daemon = staff.kiosk.daemon
    spooler, journal = daemon.spooler, daemon.journal
    printers, spooler.printers = spooler.printers, [Doubtful()]
    assert (await staff.do("hand-out", {"stock_id": SLIP}))[1]["ok"] is False
    spooler.printers = printers
    (job,) = await journal.jobs(("unknown",))
    old = job.detail["coupon"]
    page = await staff.page(path="/staff/records")
    assert 'data-post="/staff/new-code"' in page
    assert "换发新券" in page
    assert (await staff.do("new-code", {"job": job.id}))[1] == {
        "ok": True,
        "message": "新小票已打印，旧券码已作废。",
    }
    assert (await staff.do("new-code", {"job": job.id}))[1]["ok"] is False, "once is enough"
    assert (await staff.do("reprint", {"job": job.id}))[1]["ok"] is False, "what is void is not printed again"
    new = (await journal.jobs(("printed",)))[0]
    assert new.detail["coupon"] not in ("", old)
    page = await staff.page(path="/staff/records")
    assert 'data-post="/staff/new-code"' not in page
    assert "券码作废，已换发新小票" in page
    assert next(a.what for a in await journal.acts()) == "new_code"
    assert staff.kiosk.hub is not None
    parts = staff.kiosk.hub.parts
    assert parts is not None
    number, _, serial = old.partition("-")
    where = (coupons.c.batch == int(number), coupons.c.serial == int(serial))

    async def told() -> bool:
        query = sa.select(coupons.c.state).where(*where)
        state = await parts.database.run(lambda c: c.execute(query).scalar())
        return state == "void" and await journal._object("revocation", old) is not None

    async with asyncio.timeout(SOON_S):
        while not await told():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_a_slip_that_is_no_coupon_has_no_code_to_replace(staff: Staff) -> None:
    spooler = staff.kiosk.daemon.spooler
    printers, spooler.printers = spooler.printers, [Doubtful()]
    assert (await staff.do("claim-slip"))[1]["ok"] is False
    spooler.printers = printers
    assert "/staff/new-code" not in await staff.page(path="/staff/records")
    (job,) = await staff.kiosk.daemon.journal.jobs(("unknown",))
    assert (await staff.do("new-code", {"job": job.id}))[1] == {
        "ok": False,
        "message": "这张小票没有疑问，无需确认。",
    }


async def test_a_receipt_is_printed_when_somebody_asks(staff: Staff) -> None:
    code = await staff.kiosk.issue(SLIP)
    rid = (await staff.do("redeem", {"code": code}))[1]["rid"]
    assert f"""data-post="/staff/receipt" data-body='{{"rid":"{rid}"}}'""" in await staff.page(
        path="/staff/records"
    )
    journal = staff.kiosk.daemon.journal
    assert await journal.was_printed(rid, "receipt") is False, "by itself only where the shop wants that"
    for _ in range(2):
        assert (await staff.do("receipt", {"rid": rid}))[1] == {"ok": True, "message": "已打印"}
    second, first = [json.loads(j.slip) for j in await journal.jobs() if j.kind == "receipt"]
    texts = [json.dumps(s, ensure_ascii=False) for s in (first, second)]
    assert ["补打" in t for t in texts] == [False, True], texts[1]
    assert (await staff.do("rollback", {"rid": rid, "why": "wrong"}))[1]["ok"] is True
    assert (await staff.do("receipt", {"rid": rid}))[1] == {
        "ok": False,
        "message": "没有对应的核销记录，或已撤销。",
    }
