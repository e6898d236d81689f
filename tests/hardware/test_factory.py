"""Addresses of devices: what is right, and one sentence for what is wrong."""

from __future__ import annotations

import errno

import pytest

from kiosk.events import Bus
from kiosk.hardware.address import BAUDS, Address, parse
from kiosk.hardware.factory import open_display, open_scanner
from kiosk.hardware.hid_scanner import HidScanner
from kiosk.hardware.kept import trouble
from kiosk.hardware.ports import HardwareError
from kiosk.hardware.serial_scanner import StreamScanner
from kiosk.hardware.sim import SimBench
from kiosk.hardware.sim_scanner import SimScanner

GOOD = {
    "serial:///dev/serial/by-id/usb-X": StreamScanner,
    "serial:///dev/ttyAMA0?baud=115200&end=silence": StreamScanner,
    "serial:///dev/ttyAMA0?trigger=gm65": StreamScanner,
    "socket://192.168.1.60:4001": StreamScanner,
    "socket://[fd00::1]:4001": StreamScanner,
    "hid:///dev/input/by-id/usb-X-event-kbd": HidScanner,
    "hid:///dev/input/event3?end=auto": HidScanner,
    "sim://": SimScanner,
}
BAD = {
    "serial://": "names no device; write serial:///dev/....",
    "serial://dev/ttyUSB0": "names no device; write serial:///dev/....",
    "hid:///": "names no device; write hid:///dev/....",
    "serial:///dev/x?baud=fast": "baud=fast in serial:///dev/x?baud=fast is no speed of a serial line",
    "serial:///dev/x?baud=9601": "baud=9601",
    "serial:///dev/x?parity=even": "parity in serial:///dev/x?parity=even means nothing here; there are baud, end, trigger.",
    "serial:///dev/x?end=never": "end=never in serial:///dev/x?end=never means nothing; there are auto, line, silence.",
    "serial:///dev/x?trigger=gm66": "there are none, gm65, honeywell.",
    "hid:///dev/x?trigger=gm65": "trigger in hid:///dev/x?trigger=gm65 means nothing here; there are baud, end.",
    "socket://192.168.1.60": "names no host and port; write socket://192.168.1.60:4001.",
    "socket://:4001": "names no host and port",
    "socket://host:99999": "names no host and port",
    "socket://host:port": "names no host and port",
    "tcp://host:1": "is no scanner address; there are serial:///dev/..., hid:///dev/...",
    "qrview+serial:///dev/x": "is no scanner address",
}


@pytest.mark.parametrize("url", GOOD)
def test_a_scanner_address_makes_its_adapter(url: str, bus: Bus) -> None:
    device = open_scanner("till", url, SimBench(bus), bus)
    assert type(device) is GOOD[url]
    assert (device.name, device.kind, device.state) == ("till", "scanner", "starting")
    assert device.url == url


@pytest.mark.parametrize("url", BAD)
def test_a_bad_scanner_address_is_one_sentence(url: str, bus: Bus) -> None:
    with pytest.raises(HardwareError) as err:
        open_scanner("till", url, SimBench(bus), bus)
    told = str(err.value)
    assert told.startswith("scanner till: ")
    assert BAD[url] in told
    assert told.endswith(".")
    assert "\n" not in told


def test_a_bad_display_address_is_one_sentence(bus: Bus) -> None:
    with pytest.raises(
        HardwareError, match=r"^display pole: tcp://x:1 is no display address; there (is|are) .*\.$"
    ):
        open_display("pole", "tcp://x:1", SimBench(bus), bus)


@pytest.mark.parametrize("baud", BAUDS)
def test_every_speed_named_is_one_of_the_kernel(baud: int) -> None:
    import termios

    assert hasattr(termios, f"B{baud}")
    assert parse("x", f"serial:///dev/x?baud={baud}") == Address("serial", path="/dev/x", baud=baud)


def test_a_v6_host_has_no_brackets() -> None:
    assert parse("x", "socket://[fd00::1]:4001").host == "fd00::1"


@pytest.mark.parametrize(
    ("err", "state", "told"),
    [
        (OSError(errno.ENOENT, "No such file"), "absent", "is not there; plug it in"),
        (OSError(errno.ENODEV, "No such device"), "absent", "has gone; check the cable."),
        (OSError(errno.EIO, "I/O error"), "absent", "has gone; check the cable."),
        (OSError(errno.ECONNREFUSED, "refused"), "absent", "does not answer"),
        (TimeoutError(), "absent", "does not answer"),
        (OSError(errno.ECONNRESET, "reset"), "absent", "has gone"),
        (
            OSError(errno.EACCES, "denied"),
            "error",
            "belongs to another user; add the kiosk's user to its group",
        ),
        (OSError(errno.EBUSY, "busy"), "error", "is in use by another program"),
        (OSError(errno.ENOTTY, "no tty"), "error", "is no device of this kind"),
        (
            OSError("Could not configure port: (5, 'Input/output error')"),
            "error",
            "is no device of this kind",
        ),
        (OSError("device disconnected or multiple access on port?"), "absent", "has gone"),
        (OSError(errno.ENOSPC, "No space left"), "error", "/dev/x: No space left"),
        (OSError(), "error", "/dev/x: OSError"),
    ],
)
def test_an_error_of_the_system_is_a_state_and_a_sentence(err: OSError, state: str, told: str) -> None:
    assert trouble(err, "/dev/x")[0] == state
    assert told in trouble(err, "/dev/x")[1]
