"""The contract of printers at the end of a stream: network, serial, USB printer class. Each fault of the simulator."""

from __future__ import annotations

import asyncio
import os
import termios
from pathlib import Path

import msgspec
import pytest
import serial

from kiosk.printing import escpos
from kiosk.printing.printers import device, port, stream
from kiosk.printing.printers.device import DevicePrinter
from kiosk.printing.printers.network import NetworkPrinter
from kiosk.printing.printers.port import Outcome, Status
from kiosk.printing.slip import Cut, Qr, Text
from simulators.escpos import EscposPrinterSim
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


# -- what differs between the lines --


async def test_a_plain_file_is_no_printer(tmp_path: Path) -> None:
    """Root with open('wb') would make a fake /dev/usb/lp0 and print into it for ever."""
    path = tmp_path / "lp0"
    printer = DevicePrinter("p", f"lp://{path}", P58, str(path), None)
    ended = await printer.send(JOB, rid="r", deadline_s=5)
    assert (ended.ended, ended.trouble) == ("failed", "not_present")
    assert not path.exists(), "nothing was created"
    path.touch()
    ended = await printer.send(JOB, rid="r", deadline_s=5)
    assert (ended.ended, ended.trouble) == ("failed", "not_present")
    assert "nothing is printed into files" in ended.detail
    assert path.read_bytes() == b""


async def test_one_owner_per_device(sim: EscposPrinterSim, tmp_path: Path, until: Until) -> None:
    path = await sim.serve_serial()
    first, second = (DevicePrinter(n, f"lp://{path}", P58, path, None) for n in "ab")
    sim.set_fault("no_barrier")
    first.silence_s = 0.05
    task = asyncio.create_task(first.send(JOB, rid="r", deadline_s=20))
    await until(lambda: len(sim.slips) == 1)
    ended = await second.send(JOB, rid="r", deadline_s=5)
    assert (ended.ended, ended.trouble) == ("failed", "busy")
    assert "in use" in ended.detail
    assert (await second.status()).state == "cannot_ask"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open everything; see the test by errno")
async def test_permission(tmp_path: Path) -> None:
    path = tmp_path / "lp0"
    path.touch(0o000)
    ended = await DevicePrinter("p", f"lp://{path}", P58, str(path), None).send(JOB, rid="r", deadline_s=5)
    assert (ended.ended, ended.trouble) == ("failed", "permission")


@pytest.mark.parametrize(
    ("number", "trouble", "remedy"),
    [("EACCES", "permission", "group"), ("EBUSY", "busy", ""), ("ENODEV", "not_present", "cable"), ("ENXIO", "not_present", "cable"), ("ENOMEM", "io", "")],
)  # fmt: skip
async def test_errors_of_the_system_at_opening(
    monkeypatch: pytest.MonkeyPatch, number: str, trouble: str, remedy: str
) -> None:
    import errno

    def refuse(*_: object) -> int:
        code = getattr(errno, number)
        raise OSError(code, os.strerror(code))

    printer = DevicePrinter("p", "lp:///dev/usb/lp0", P58, "/dev/usb/lp0", None)
    monkeypatch.setattr(device.os, "open", refuse)
    ended = await printer.send(JOB, rid="r", deadline_s=5)
    assert (ended.ended, ended.trouble, ended.sent) == ("failed", trouble, 0)
    assert remedy in ended.detail


async def test_a_speed_that_does_not_exist(sim: EscposPrinterSim) -> None:
    path = await sim.serve_serial()
    ended = await DevicePrinter("p", "serial://", P58, path, 12345).send(JOB, rid="r", deadline_s=5)
    assert (ended.ended, ended.trouble) == ("failed", "configuration")
    assert "12345" in ended.detail


async def test_a_serial_line_is_raw_8n1_at_its_speed(sim: EscposPrinterSim) -> None:
    path = await sim.serve_serial()
    printer = DevicePrinter("p", "serial://", P58, path, 19200)
    assert (await printer.send(JOB, rid="r", deadline_s=20)).ended == "printed"
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        iflag, oflag, cflag, lflag, *speeds = termios.tcgetattr(fd)[:6]
    finally:
        os.close(fd)
    assert speeds == [termios.B19200] * 2
    assert (cflag & termios.CSIZE, cflag & (termios.PARENB | termios.CSTOPB)) == (termios.CS8, 0)
    assert oflag & termios.OPOST == 0
    assert lflag & (termios.ICANON | termios.ECHO | termios.ISIG) == 0
    assert iflag & (termios.IXON | termios.IXOFF) == 0, "a byte of a picture must not stop the line"


async def test_a_serial_line_has_one_owner(sim: EscposPrinterSim) -> None:
    path = await sim.serve_serial()
    with serial.Serial(path, 115200, exclusive=True):
        ended = await DevicePrinter("p", "serial://", P58, path, 115200).send(JOB, rid="r", deadline_s=5)
    assert (ended.ended, ended.trouble) == ("failed", "busy")
    assert "in use" in ended.detail


async def test_what_is_no_serial_line(tmp_path: Path) -> None:
    ended = await DevicePrinter("p", "serial://", P58, "/dev/null", 9600).send(JOB, rid="r", deadline_s=5)
    assert (ended.ended, ended.trouble) == ("failed", "io")
    assert "not a serial line" in ended.detail
    ended = await DevicePrinter("p", "serial://", P58, str(tmp_path / "ttyUSB0"), 9600).send(
        JOB, rid="r", deadline_s=5
    )
    assert (ended.ended, ended.trouble) == ("failed", "not_present")
    assert "cable" in ended.detail


async def test_a_name_that_is_not_known() -> None:
    printer = NetworkPrinter("p", "tcp://printer.invalid", P58, "printer.invalid", 9100)
    ended = await printer.send(JOB, rid="r", deadline_s=15)
    assert (ended.ended, ended.trouble) == ("failed", "not_present")


async def test_a_network_printer_that_hangs_up_before_the_job(sim: EscposPrinterSim) -> None:
    sim.set_fault("refuse")
    printer = NetworkPrinter("p", "tcp://", P58, "127.0.0.1", sim.port)
    ended = await printer.send(JOB, rid="r", deadline_s=5)
    assert ended.ended in ("failed", "unknown")
    assert (ended.ended == "failed") is (ended.sent == 0)
    assert ended.trouble == "gone"


async def test_a_printer_that_comes_back_under_another_number(tmp_path: Path, sim: EscposPrinterSim) -> None:
    """Another printer was found first when the machine started: ours is lp1 now."""
    line = await sim.serve_serial()
    printer = DevicePrinter("p", "lp://", P58, str(tmp_path / "lp0"), None)
    (tmp_path / "lp0").symlink_to(line)
    assert (await printer.send(JOB, rid="r", deadline_s=20)).ended == "printed"
    (tmp_path / "lp0").rename(tmp_path / "lp1")
    assert (await printer.send(JOB, rid="r", deadline_s=20)).ended == "printed"
    (tmp_path / "lp2").symlink_to(line)
    ended = await printer.send(JOB, rid="r", deadline_s=5)
    assert (ended.ended, ended.trouble) == ("failed", "not_present"), (
        "between two printers it is never guessed"
    )


def test_among_several_the_printer_is_known_by_its_identity(tmp_path: Path) -> None:
    from kiosk.printing.printers.replug import Replugged

    dev, sysfs = tmp_path / "dev", tmp_path / "sys"
    dev.mkdir()
    for name, identity in (
        ("lp0", "MFG:Gprinter;SN:1;"),
        ("lp1", "MFG:Xprinter;SN:2;"),
        ("lp2", "MFG:Gprinter;SN:1;"),
    ):
        (sysfs / name / "device").mkdir(parents=True)
        (sysfs / name / "device" / "ieee1284_id").write_text(identity + "\n")
    where = Replugged(str(dev / "lp0"), sysfs)
    (dev / "lp0").touch()
    where.seen(where.path())
    (dev / "lp0").unlink()
    (dev / "lp1").touch()
    assert where.path() == str(dev / "lp0"), "another model is not it"
    (dev / "lp2").touch()
    assert where.path() == str(dev / "lp2")


@pytest.mark.parametrize(
    ("bits", "state"),
    [(0x18, "ok"), (0x38, "out"), (0x28, "out"), (0x10, "error"), (0x08, "offline"), (0x00, "error")],
)
def test_the_port_status_of_usblp(bits: int, state: str) -> None:
    """USB printer class: 0x20 paper empty, 0x10 selected, 0x08 not error. in_kernel asks a real usblp."""
    assert device.port_status(bits).state == state
