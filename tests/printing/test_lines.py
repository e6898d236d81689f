"""What differs between the lines of a printer: device files, serial lines, the network; errors of the system at each."""

from __future__ import annotations

import asyncio
import os
import termios
from pathlib import Path

import pytest
import serial

from kiosk.printing import escpos
from kiosk.printing.printers import device
from kiosk.printing.printers.device import DevicePrinter
from kiosk.printing.printers.network import NetworkPrinter
from kiosk.printing.slip import Cut, Qr, Text
from simulators.escpos import EscposPrinterSim
from tests.printing.conftest import Until
from tests.printing.made import P58, slip

JOB = escpos.render(
    slip(Text(text="老王便利店"), Qr(data="https://q.example.cn/c/S0001"), Text(text="谢谢惠顾"), Cut()), P58
).data
BIG = b"\x1b@\x1c&" + b"0123456789abcde\n" * (1 << 20)
"""16 MiB: more than all buffers between us and a printer that does not read."""


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


@pytest.mark.parametrize("host", ["192.168.1..50", "a" * 64 + ".example"])
async def test_a_name_that_cannot_be_asked_for(host: str) -> None:
    ended = await NetworkPrinter("p", f"tcp://{host}", P58, host, 9100).send(JOB, rid="r", deadline_s=15)
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


WEB = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\nBad status line"


@pytest.mark.parametrize("after", [3, 2006])
async def test_a_web_server_is_no_printer_without_paper(after: int) -> None:
    """It answers the first question, or, when it waits for more, the job; its letters look like statuses."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(after)
        writer.write(WEB)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        printer = NetworkPrinter("p", "tcp://x", P58, "127.0.0.1", port)
        ended = await printer.send(b"x" * 2000, rid="R1", deadline_s=30)
        wanted = ("failed", "not_present", 0) if after == 3 else ("unknown", "no_answer", 2000)
        assert (ended.ended, ended.trouble, ended.sent) == wanted
        assert "is no printer" in ended.detail
        if after == 3:
            told = await printer.status()
            assert (told.state, "is no printer" in told.detail) == ("error", True)
