"""Scanners: what only one kind of wire can do, what two of them do to each other, and what the log says."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path

import pytest

from kiosk.events import Bus, Scanned
from kiosk.hardware import kept
from kiosk.hardware.factory import open_scanner
from kiosk.hardware.serial_scanner import StreamScanner
from kiosk.hardware.sim import SimBench
from simulators.panels_wire import PtyWire, TcpWire
from simulators.scanner import ScannerSim
from tests.hardware.conftest import Watch, until

NOBODY = 65534


@pytest.fixture(autouse=True)
def _sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again sooner than a shop needs."""
    monkeypatch.setattr(kept, "RETRY_S", (0.02, 0.2))


async def test_ten_thousand_scans_in_a_burst_are_all_told(bus: Bus, watch: Watch) -> None:
    sim = ScannerSim(TcpWire())
    await sim.start()
    device = StreamScanner("till", sim.address, bus)
    await device.start()
    await until(lambda: device.state == "ok")
    codes = [f"C1:{n:05}" for n in range(10_000)]
    sim.wire.write("".join(f"{c}\r\n" for c in codes).encode())
    await until(lambda: len(watch.codes) == len(codes), "all are told")
    await device.stop()
    await sim.stop()
    assert watch.codes == codes


async def test_another_number_under_the_same_link_is_the_same_scanner(
    bus: Bus, watch: Watch, tmp_path: Path
) -> None:
    link, other = tmp_path / "by-id", PtyWire(tmp_path / "other")
    sim = ScannerSim(PtyWire(link))
    await sim.start()
    device = StreamScanner("till", f"serial://{link}", bus)
    await device.start()
    await until(lambda: device.state == "ok")
    first = link.readlink()
    await sim.set_fault("gone")
    await other.plug()  # takes the number that has become free
    await sim.set_fault("none")
    await until(lambda: watch.states == ["ok", "absent", "ok"])
    assert link.readlink() != first
    await sim.scan("C1:A")
    await until(lambda: watch.codes == ["C1:A"])
    await device.stop()
    await sim.stop()
    await other.unplug()


async def test_a_line_is_held_by_one_scanner(bus: Bus, tmp_path: Path) -> None:
    sim = ScannerSim(PtyWire(tmp_path / "by-id"))
    await sim.start()
    one, two = (StreamScanner(n, sim.address, bus) for n in ("one", "two"))
    await one.start()
    await until(lambda: one.state == "ok")
    await two.start()
    await until(lambda: two.state == "error")
    assert "in use by another program" in two.detail
    assert one.state == "ok"
    await one.stop()
    await until(lambda: two.state == "ok", "the line is free")
    await two.stop()
    await sim.stop()


async def test_two_identical_scanners_are_two_and_one_goes_on_without_the_other(
    bus: Bus, watch: Watch, tmp_path: Path
) -> None:
    """They look alike to udev but for their ports, whose links are what the configuration names."""
    sims = [ScannerSim(PtyWire(tmp_path / f"by-path-{n}")) for n in (1, 2)]
    for sim in sims:
        await sim.start()
    devices = [StreamScanner(f"till-{n}", sim.address, bus) for n, sim in enumerate(sims, 1)]
    for device in devices:
        await device.start()
    await until(lambda: [d.state for d in devices] == ["ok", "ok"])
    for n, sim in enumerate(sims, 1):
        await sim.scan(f"C1:{n}")
    await until(lambda: len(watch.of(Scanned)) == 2)
    assert sorted((e.scanner, e.text) for e in watch.of(Scanned)) == [("till-1", "C1:1"), ("till-2", "C1:2")]
    await sims[0].set_fault("gone")
    await until(lambda: devices[0].state == "absent")
    await sims[1].scan("C1:3")
    await until(lambda: watch.codes[-1:] == ["C1:3"])
    assert devices[1].state == "ok"
    for device in devices:
        await device.stop()
    for sim in sims:
        await sim.stop()


async def test_an_outage_is_one_line_of_the_log(
    bus: Bus, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "kiosk.hardware.kept")
    monkeypatch.setattr(kept, "RETRY_S", (0.001, 0.002))
    monkeypatch.setattr(kept, "SETTLED_S", 0.05)
    sim = ScannerSim(PtyWire(tmp_path / "by-id"))
    device = StreamScanner("till", sim.address, bus)
    tries: list[int] = []
    real = device._open
    monkeypatch.setattr(device, "_open", lambda: (tries.append(1), real())[1])
    await device.start()
    await until(lambda: len(tries) > 20, "it was tried often")
    await sim.start()
    await until(lambda: len(caplog.records) > 1, "its return is told")
    await device.stop()
    await sim.stop()
    lines = [(r.levelname, r.getMessage()) for r in caplog.records]
    assert lines == [
        ("WARNING", f"scanner till: {sim.address[9:]} is not there; plug it in, or correct the address."),
        ("INFO", "scanner till is back"),
    ]


async def test_a_peer_that_hangs_up_at_once_is_not_hammered(
    bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    async def rest(seconds: float) -> None:
        waits.append(seconds)

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        device = StreamScanner("till", f"socket://127.0.0.1:{server.sockets[0].getsockname()[1]}", bus)
        monkeypatch.setattr(device, "_rest", rest)
        await device.start()
        await until(lambda: len(waits) > 6)
        await device.stop()
    assert waits[:6] == [0.02, 0.04, 0.08, 0.16, 0.2, 0.2]


async def test_a_nudge_ends_the_wait_for_the_next_try(
    bus: Bus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "RETRY_S", (3600.0, 3600.0))
    sim = ScannerSim(PtyWire(tmp_path / "by-id"))
    device = StreamScanner("till", sim.address, bus)
    await device.start()
    await until(lambda: device.state == "absent")
    await sim.start()
    device.nudge()
    await until(lambda: device.state == "ok")
    await device.stop()
    await sim.stop()


async def test_a_plain_file_is_no_serial_line_and_stays_as_it_is(bus: Bus, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("keep me")
    device = StreamScanner("till", f"serial://{file}", bus)
    await device.start()
    await until(lambda: device.state == "error")
    assert "no device of this kind" in device.detail
    await device.stop()
    assert file.read_text() == "keep me"


async def test_a_line_of_another_user_is_named_and_taken_once_it_is_ours(
    bus: Bus, watch: Watch, tmp_path: Path
) -> None:
    wires = PtyWire(tmp_path / "theirs"), PtyWire(tmp_path / "ours")
    for wire in wires:
        await wire.plug()
    theirs, ours = (os.readlink(w.link) for w in wires)
    root = os.geteuid() == 0
    os.chmod(theirs, 0o600 if root else 0)
    if root:  # the superuser may open everything: be somebody else meanwhile
        os.chown(ours, NOBODY, -1)
        os.seteuid(NOBODY)
    devices = [open_scanner(n, f"serial://{p}", SimBench(bus), bus) for n, p in (("a", theirs), ("b", ours))]
    try:
        for device in devices:
            await device.start()
        await until(lambda: [d.state for d in devices] == ["error", "ok"])
        assert devices[0].detail.startswith(f"{theirs} belongs to another user; add the kiosk's user")
        wires[1].write(b"C1:B\r")
        await until(lambda: watch.codes == ["C1:B"], "the other scanner goes on")
        if root:
            os.seteuid(0)
        os.chmod(theirs, 0o600)
        await until(lambda: devices[0].state == "ok", "it is tried again")
    finally:
        if root:
            os.seteuid(0)
        for device in devices:
            await device.stop()
        for wire in wires:
            await wire.unplug()
