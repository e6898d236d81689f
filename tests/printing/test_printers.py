"""The contract of printers at the end of a stream: network, serial, USB printer class. Each fault of the simulator."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from kiosk.printing import escpos
from kiosk.printing.printers import port, stream
from kiosk.printing.printers.port import Outcome, Status
from kiosk.printing.slip import Cut, Qr, Text
from tests.printing.conftest import Rig, Until
from tests.printing.made import P58, slip

JOB = escpos.render(
    slip(Text(text="老王便利店"), Qr(data="https://q.example.cn/c/S0001"), Text(text="谢谢惠顾"), Cut()), P58
).data
BIG = b"\x1b@\x1c&" + b"0123456789abcde\n" * (1 << 20)
"""16 MiB: more than all buffers between us and a printer that does not read."""


def impatient(rig: Rig) -> None:
    """Do not wait long for answers that will not come."""
    rig.printer.answer_s = rig.printer.silence_s = 0.05


async def send(rig: Rig, job: bytes = JOB, deadline_s: float = 20) -> Outcome:
    return await rig.printer.send(job, rid="r1", deadline_s=deadline_s)


async def test_a_job_is_printed_and_confirmed(rig: Rig, until: Until) -> None:
    assert await send(rig) == Outcome("printed", "", "", len(JOB))
    await until(lambda: len(rig.sim.jobs) == 1)
    assert rig.sim.jobs == [JOB], "what arrives is the job and nothing else"
    assert rig.sim.slips[0].errors == []
    assert await rig.printer.status() == Status("ok")


async def test_jobs_do_not_mix(rig: Rig) -> None:
    ended = await asyncio.gather(*(send(rig) for _ in range(4)))
    assert [o.ended for o in ended] == ["printed"] * 4
    assert [s.text.split("\n")[0] for s in rig.sim.slips] == ["老王便利店"] * 4


@pytest.mark.parametrize(
    ("fault", "state", "detail"),
    [
        ("paper_out", "out", "no paper"),
        ("cover_open", "cover", "the cover is open"),
        ("offline", "offline", "the printer is offline; press its online button"),
        ("jammed", "error", "the knife is jammed"),
    ],
)
async def test_what_keeps_it_from_printing_is_known_before_the_first_byte(
    rig: Rig, fault: str, state: str, detail: str
) -> None:
    rig.sim.set_fault(fault)
    assert await rig.printer.status() == Status(state, detail)  # type: ignore[arg-type]
    assert await send(rig) == Outcome("failed", "blocked", detail, 0)
    rig.sim.set_fault("none")
    assert rig.sim.slips == [], "nothing was kept to come out later"
    assert (await send(rig)).ended == "printed"


async def test_paper_that_runs_out_within_a_slip_is_unknown_and_comes_out_later(
    rig: Rig, until: Until
) -> None:
    rig.printer.silence_s = 0.05
    rig.sim.set_fault("runs_out")
    assert await send(rig) == Outcome("unknown", "blocked", "no paper", len(JOB))
    assert (await rig.printer.status()).state == "out"
    rig.sim.set_fault("none")
    await until(lambda: len(rig.sim.slips) == 1)
    assert "谢谢惠顾" in rig.sim.slips[0].text, (
        "the printer finishes what it holds: sending again would print it twice"
    )


async def test_the_late_confirmation_of_one_job_is_not_the_next_ones(rig: Rig, until: Until) -> None:
    rig.printer.silence_s = 0.05
    rig.sim.set_fault("runs_out")
    assert (await send(rig)).ended == "unknown"
    rig.sim.set_fault("none")
    await until(lambda: len(rig.sim.slips) == 1)
    rig.sim.set_fault("no_barrier")
    task = asyncio.create_task(send(rig))
    await until(lambda: len(rig.sim.slips) == 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_little_paper_left_is_said_and_printed(rig: Rig) -> None:
    rig.sim.set_fault("near_end")
    assert await rig.printer.status() == Status("near_end", "the paper is near its end")
    assert await send(rig) == Outcome("printed", "", "the paper is near its end", len(JOB))


async def test_silence_is_not_a_yes(rig: Rig) -> None:
    impatient(rig)
    rig.sim.set_fault("silent")
    assert await rig.printer.status() == Status("nobody_answered", "no answer")
    ended = await send(rig)
    assert ended == Outcome(
        "unknown", "no_answer", "the printer took the job but did not confirm it", len(JOB)
    )


async def test_a_printer_that_only_knows_the_barrier_is_asked_once(rig: Rig) -> None:
    rig.sim.set_fault("no_status")
    rig.printer.answer_s = 0.05
    assert (await send(rig)).ended == "printed"
    rig.printer.answer_s = 60.0
    async with asyncio.timeout(20):
        assert (await send(rig)).ended == "printed", (
            "the second job does not wait for an answer that never comes"
        )


async def test_a_printer_without_the_barrier_is_never_called_printed(rig: Rig, until: Until) -> None:
    rig.printer.silence_s = 0.02
    rig.sim.set_fault("no_barrier")
    task = asyncio.create_task(send(rig))
    await until(lambda: len(rig.sim.slips) == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert rig.printer.sent == len(JOB)


async def test_a_profile_that_cannot_confirm_says_so(rig: Rig, until: Until) -> None:
    rig.printer.profile = msgspec.structs.replace(P58, barrier=False, status=False)
    ended = await send(rig)
    assert (ended.ended, ended.trouble, ended.sent) == ("unknown", "unconfirmed", len(JOB))
    await until(lambda: len(rig.sim.slips) == 1)
    assert (await rig.printer.status()).state == "cannot_ask"
    assert rig.sim.asked == 0


async def test_a_printer_that_must_not_be_asked_never_is(rig: Rig) -> None:
    """One model stops for good when its status is read (odoo#66941): silence there is silence."""
    rig.printer.profile = msgspec.structs.replace(P58, status=False)
    assert (await send(rig)).ended == "printed"
    rig.sim.set_fault("silent")
    rig.printer.silence_s = 0.05
    ended = await send(rig)
    assert (ended.ended, ended.trouble) == ("unknown", "no_answer")
    assert rig.sim.asked == 0


async def test_a_printer_that_stops_reading_is_left_at_the_deadline_with_a_count(rig: Rig) -> None:
    impatient(rig)
    rig.sim.set_fault("stuck")
    ended = await send(rig, BIG, deadline_s=1)
    assert ended.ended == "unknown"
    assert ended.trouble == "blocked"
    assert ended.detail == "not done within 1 s"
    assert 0 < ended.sent < len(BIG)
    rig.sim.set_fault("none")


async def test_a_cable_pulled_mid_job(rig: Rig) -> None:
    rig.sim.set_fault("reset_mid_job")
    ended = await send(rig, BIG)
    assert (ended.ended, ended.trouble) == ("unknown", "gone")
    assert 0 < ended.sent < len(BIG)


async def test_not_present_then_back_again(rig: Rig) -> None:
    """The same printer object goes on when the device returns, even as another device behind the name."""
    assert (await send(rig)).ended == "printed"
    printer = rig.printer
    await rig.unplug()
    ended = await send(rig)
    assert (ended.ended, ended.trouble, ended.sent) == ("failed", "not_present", 0)
    assert (await printer.status()).state == "offline"
    if rig.kind == "tcp":
        await rig.sim.start()
    else:
        await rig.plug_in()
    rig.printer = printer
    assert (await send(rig)).ended == "printed"


async def test_a_cancelled_job_lets_go_of_the_device(rig: Rig, until: Until) -> None:
    rig.sim.set_fault("stuck")
    rig.printer.answer_s = 0.05
    task = asyncio.create_task(send(rig, BIG))
    await until(lambda: rig.printer.sent > 0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    rig.sim.set_fault("none")
    if rig.kind == "tcp":  # on a line, what had left is still in the printer's way
        rig.printer.answer_s = 10
        assert (await send(rig)).ended == "printed"


async def test_has_left_is_said_when_the_whole_job_is_on_its_way(rig: Rig) -> None:
    heard: list[int] = []

    async def note(reference: str) -> None:
        assert reference == ""
        heard.append(rig.printer.sent)

    port.when_left(note)
    try:
        assert (await send(rig)).ended == "printed"
    finally:
        port.when_left(None)
    assert heard == [len(JOB)]


async def test_a_torn_job_does_not_swallow_the_next(rig: Rig, until: Until) -> None:
    """A raster cut short would take the head of the next job for its dots: enough NULs close it first."""
    impatient(rig)
    torn = b"\x1b@\x1dv0\x00\x30\x00\xf0\x00" + bytes(
        100
    )  # 240 rows of 48 bytes are announced, 100 bytes come
    rig.sim.interpreter.feed(torn)
    rig.printer._torn = stream._longest_command(torn, P58)
    rig.printer.answer_s = rig.printer.silence_s = 10
    assert (await send(rig)).ended == "printed"
    await until(lambda: bool(rig.sim.slips))
    assert "老王便利店" in rig.sim.slips[0].text
    assert rig.printer._torn == 0


def test_only_a_job_that_broke_off_is_torn() -> None:
    assert stream._longest_command(b"text", P58) == 600
    assert stream._longest_command(b"\x1dv0\x00", P58) == 240 * 48 + 8
