"""A slip of which nobody knows: the staff say that it came out, or print it again."""

from __future__ import annotations

from kiosk.printing.printers.port import Outcome, Status, Wants
from kiosk.printing.profiles import PROFILES
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
