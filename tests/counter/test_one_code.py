"""A slip in doubt is never replaced by a new code: whatever appears of it, however often, is one code and worth once."""

from __future__ import annotations

import json

from kiosk.counter.hand_out import HandOut, HandOutSettings
from kiosk.counter.slips import Slips
from kiosk.coupons import code as codes
from kiosk.coupons.record import PoolCode
from kiosk.printing.slip import Qr, Slip, parse_slip
from kiosk.printing.spooler import Spooler
from tests.printing.fakes import PRINTED, UNKNOWN, FakePrinter

from .world import HOME, Counter


def qr(raw: bytes) -> str:
    """Return the code that a slip carries."""
    slip: Slip = parse_slip(json.loads(raw))
    (found,) = [e.data for e in slip.elements if isinstance(e, Qr)]
    return found


async def test_every_paper_of_a_slip_in_doubt_has_one_code_and_it_is_worth_once(counter: Counter) -> None:
    signed = [counter.code(n, HOME) for n in (1, 2)]
    pool = [PoolCode(f"{HOME.number}-{n}", signed[n - 1], codes.new_short()) for n in (1, 2)]
    await counter.journal.put_codes("HOME", pool)
    first, second = FakePrinter("usb", UNKNOWN, UNKNOWN, PRINTED), FakePrinter("cloud")
    spooler = Spooler(
        counter.journal, counter.bus, [first, second], [], now=lambda: counter.clock.trusted().at
    )
    await spooler.start()
    try:
        slips = Slips(counter.journal, spooler, counter.clock, counter.place)
        settings = HandOutSettings(0, 30, 200, "")
        hand_out = HandOut(counter.journal, counter.bus, counter.clock, settings, counter.place, slips.coupon)
        given = await hand_out.press()
        assert given.outcome == "unknown"
        assert await counter.journal.spare("HOME") is None, "its code is nobody else's"
        (job,) = await counter.journal.jobs()
        again = await spooler.reprint(job.id)
        assert again is not None
        assert again.state == "unknown"
        last = await spooler.reprint(again.id)
        assert last is not None
        assert last.state == "printed"
        papers = await counter.journal.jobs()
        assert [qr(p.slip) for p in papers] == [signed[0]] * 3, "three papers may exist, with one code"
        assert {p.detail["coupon"] for p in papers} == {given.coupon}
        assert second.jobs == [], "and none of them at another printer"
        assert await counter.journal.pool_left("HOME") == 1, "no new code was taken for it"
    finally:
        await spooler.stop()
    counter.hub.silent()
    honoured = await counter.redeem(signed[0])
    assert honoured.verdict == "offline", honoured
    copy = await counter.redeem(signed[0])
    assert (copy.verdict, copy.first_use is not None) == ("refused", True)
