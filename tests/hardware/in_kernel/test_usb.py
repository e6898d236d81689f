"""Real USB, really pulled: scanners, discovery, announcements of the kernel."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
from pathlib import Path

import pytest

from kiosk.events import Bus
from kiosk.hardware import hotplug, kept
from kiosk.hardware.discovery import scan
from kiosk.hardware.factory import open_scanner
from kiosk.hardware.hid_scanner import EVIOCGRAB
from kiosk.hardware.hotplug import HotPlug
from kiosk.hardware.ports import Device
from kiosk.hardware.sim import SimBench
from tests.hardware.conftest import Watch, until
from tests.hardware.in_kernel.gadget import Gadget

pytestmark = pytest.mark.heavy


def build(url: str, bus: Bus) -> Device:
    return open_scanner("till", url, SimBench(bus), bus)


async def there(gadget: Gadget) -> None:
    await until(lambda: len(gadget.nodes()) == 3, "the kernel has made the device files")


async def test_a_serial_scanner_reads_and_comes_back(gadget: Gadget, bus: Bus, watch: Watch) -> None:
    await there(gadget)
    device = build("serial:///dev/ttyACM0", bus)
    await device.start()
    for n in range(5):
        await until(lambda: device.state == "ok", "it is there")
        await asyncio.to_thread(gadget.send, f"C1:AB-{n}\r\n".encode())
        await until(lambda n=n: watch.codes[-1:] == [f"C1:AB-{n}"], f"code {n} is read")
        gadget.unplug()
        await until(lambda: device.state == "absent", "it has gone")
        gadget.plug()
    await device.stop()
    assert watch.codes == [f"C1:AB-{n}" for n in range(5)]


async def test_a_keyboard_is_grabbed_read_and_given_back(gadget: Gadget, bus: Bus, watch: Watch) -> None:
    await there(gadget)
    path = gadget.keyboards()[0]
    device = build(f"hid://{path}", bus)
    await device.start()
    await until(lambda: device.state == "ok")
    await asyncio.to_thread(gadget.type, "C1:Ab-9/x?y_z.w\n")
    await until(lambda: watch.codes == ["C1:Ab-9/x?y_z.w"], "what was typed is read")
    assert grab(path) == errno.EBUSY, "nobody else gets what is typed"
    await device.stop()
    assert grab(path) == 0, "it was given back"


def grab(path: Path) -> int:
    """Try to grab a keyboard and let it go; return the error number."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        fcntl.ioctl(fd, EVIOCGRAB, 1)
    except OSError as err:
        return err.errno or -1
    else:
        return 0
    finally:
        os.close(fd)


async def test_a_keyboard_that_is_pulled_is_absent(gadget: Gadget, bus: Bus, watch: Watch) -> None:
    await there(gadget)
    device = build(f"hid://{gadget.keyboards()[0]}", bus)
    await device.start()
    await until(lambda: device.state == "ok")
    gadget.unplug()
    await until(lambda: device.state == "absent")
    await device.stop()


async def test_discovery_knows_what_is_plugged_in(gadget: Gadget) -> None:
    await there(gadget)
    found = {f.url: f for f in scan() if f.identity == "1eab:1306 A1"}
    assert {url.partition("://")[0] for url in found} == {"serial", "hid", "lp"}
    assert all(f.known and "Newland" in f.name for f in found.values())
    gadget.unplug()
    await until(lambda: not [f for f in scan() if f.identity == "1eab:1306 A1"])


async def test_the_kernels_announcement_leads_to_a_look(
    gadget: Gadget, bus: Bus, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hotplug, "UDEV_GROUP", 1)  # there is no udev here: the kernel's own group
    monkeypatch.setattr(hotplug, "LOOK_S", 3600.0)
    monkeypatch.setattr(kept, "RETRY_S", (3600.0, 3600.0))
    await there(gadget)
    gadget.unplug()
    await until(lambda: not gadget.nodes())
    device = build("serial:///dev/ttyACM0", bus)
    plug = HotPlug([device], bus)
    await device.start()
    await plug.start()
    await until(lambda: device.state == "absent")
    gadget.plug()
    await until(lambda: any(f.identity == "1eab:1306 A1" for f in plug.found), "it was announced and seen")
    await until(lambda: device.state == "ok", "and opened at once")
    await plug.stop()
    await device.stop()
