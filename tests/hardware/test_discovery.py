"""Discovery on a copy of the kernel's tree: what is known, what is not, and names that stay the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.hardware.discovery import TWIN, Found, scan
from kiosk.hardware.table import TABLE

LETTERS = "fffffffffffffffe"
BUTTONS = "10000000000000 0"


class Tree:
    """Builds /sys and /dev of a machine."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("sys/bus/usb/devices", "sys/class/tty", "sys/class/input", "sys/class/usbmisc", "dev"):
            (root / folder).mkdir(parents=True)

    def usb(self, port: str, ids: str, product: str = "", serial: str = "", cls: str = "00") -> Path:
        place = self.root / "sys/devices/pci/usb1" / port
        place.mkdir(parents=True)
        vid, pid = ids.split(":")
        told = {"idVendor": vid, "idProduct": pid, "bDeviceClass": cls}
        for name, text in {**told, "product": product, "serial": serial}.items():
            if text:
                (place / name).write_text(text + "\n")
        (self.root / "sys/bus/usb/devices" / port).symlink_to(place)
        return place

    def node(self, bus: str, name: str, above: Path, *, links: tuple[str, ...] = (), keys: str = "") -> None:
        interface = above / f"{above.name}:1.0"
        inner = interface / bus / name
        inner.mkdir(parents=True)
        (inner / "device").symlink_to(interface)
        if keys:
            (interface / "capabilities").mkdir()
            (interface / "capabilities/key").write_text(keys)
        (self.root / "sys/class" / bus / name).symlink_to(inner)
        folder = {"tty": "dev", "input": "dev/input", "usbmisc": "dev/usb"}[bus]
        (self.root / folder).mkdir(parents=True, exist_ok=True)
        (self.root / folder / name).touch()
        for link in links:
            at = self.root / "dev" / link
            at.parent.mkdir(parents=True, exist_ok=True)
            at.symlink_to(self.root / folder / name)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def one(tree: Tree) -> Found:
    (found,) = scan(tree.root)
    return found


def test_a_known_scanner_is_named_by_its_serial_number(tree: Tree) -> None:
    place = tree.usb("1-1.2", "1eab:1306", "EM30xx", "A1")
    tree.node("tty", "ttyACM0", place, links=("serial/by-path/p1", "serial/by-id/usb-NLS_A1"))
    found = one(tree)
    assert (found.kind, found.known, found.adapter) == ("scanner", True, "serial")
    assert found.url == "serial:///dev/serial/by-id/usb-NLS_A1"
    assert found.identity == "1eab:1306 A1"
    assert "Newland" in found.name


def test_without_a_serial_number_the_port_names_it(tree: Tree) -> None:
    for number, port in enumerate(("1-1.1", "1-1.2")):
        place = tree.usb(port, "1eab:1306")
        tree.node("tty", f"ttyACM{number}", place, links=(f"serial/by-path/port-{port}",))
    (tree.root / "dev/serial/by-id").mkdir()
    (tree.root / "dev/serial/by-id/usb-NLS").symlink_to(tree.root / "dev/ttyACM1")
    urls = [f.url for f in scan(tree.root)]
    assert urls == ["serial:///dev/serial/by-path/port-1-1.1", "serial:///dev/serial/by-path/port-1-1.2"]


def test_two_scanners_with_one_serial_number_are_told_apart_by_their_ports(tree: Tree) -> None:
    """Cheap makers print the same number on all; the link by it names whichever was plugged in last."""
    for number, port in enumerate(("1-1.1", "1-1.2")):
        place = tree.usb(port, "1eab:1306", "EM30xx", "00000001")
        tree.node("tty", f"ttyACM{number}", place, links=(f"serial/by-path/port-{port}",))
    (tree.root / "dev/serial/by-id").mkdir()
    (tree.root / "dev/serial/by-id/usb-NLS_00000001").symlink_to(tree.root / "dev/ttyACM1")
    found = scan(tree.root)
    assert [f.url for f in found] == [
        "serial:///dev/serial/by-path/port-1-1.1",
        "serial:///dev/serial/by-path/port-1-1.2",
    ]
    assert [f.identity for f in found] == ["1eab:1306 port 1-1.1", "1eab:1306 port 1-1.2"]
    assert [f.detail for f in found] == [TWIN, TWIN]


def test_no_link_leaves_the_kernels_name(tree: Tree) -> None:
    tree.node("tty", "ttyUSB0", tree.usb("1-1", "1a86:7523"))
    found = one(tree)
    assert found.url == "serial:///dev/ttyUSB0"
    assert (found.kind, found.known) == ("serial", True)
    assert "kiosk.toml" in found.detail


def test_a_keyboard_may_be_a_scanner_and_a_mouse_is_not(tree: Tree) -> None:
    tree.node("input", "event3", tree.usb("1-1", "dead:0001", "Ace Scan"), keys=LETTERS)
    mouse = tree.usb("1-2", "dead:0002", "Mouse")
    tree.node("input", "event4", mouse, keys=BUTTONS)
    keyboard, other = scan(tree.root)
    assert (keyboard.kind, keyboard.adapter, keyboard.known) == ("keyboard", "hid", False)
    assert keyboard.url == "hid:///dev/input/event3"
    assert (other.kind, other.url, other.detail) == ("unknown", "", "not supported yet")
    assert other.name == "Mouse"


def test_a_usb_printer_has_the_address_of_its_file(tree: Tree) -> None:
    tree.node("usbmisc", "lp0", tree.usb("1-1", "0416:5011"))
    assert (one(tree).kind, one(tree).url) == ("printer", "lp:///dev/usb/lp0")


def test_a_pole_display_is_spoken_to_in_its_language(tree: Tree) -> None:
    tree.node("tty", "ttyACM0", tree.usb("1-1", "0416:f011"))
    assert (one(tree).kind, one(tree).url) == ("display", "escpos-pole+serial:///dev/ttyACM0")


def test_what_nothing_drives_is_shown_with_what_to_do(tree: Tree) -> None:
    tree.usb("1-1", "1eab:1310", "EM30xx")
    found = one(tree)
    assert found.known
    assert not found.url
    assert found.detail.startswith("not supported yet: scan the code for 'USB serial'")


def test_hubs_are_not_listed(tree: Tree) -> None:
    tree.usb("usb1", "1d6b:0002", "hub", cls="09")
    assert scan(tree.root) == []


def test_lines_of_the_board_are_listed_and_phantoms_are_not(tree: Tree) -> None:
    for name, kind in (("ttyS0", "0"), ("ttyAMA0", "32"), ("ttyAMA10", "32")):
        (tree.root / "sys/class/tty" / name).mkdir()
        (tree.root / "sys/class/tty" / name / "type").write_text(kind)
    (tree.root / "sys/class/tty/console").mkdir()
    (tree.root / "sys/class/tty/console/active").write_text("tty1 ttyAMA10\n")
    free, console = scan(tree.root)
    assert (free.url, free.known) == ("serial:///dev/ttyAMA0", False)
    assert console.url == "serial:///dev/ttyAMA10"
    assert "console" in console.detail
    assert "console" not in free.detail


def test_a_device_that_goes_while_it_is_looked_at_stops_nothing(tree: Tree) -> None:
    tree.node("tty", "ttyACM0", tree.usb("1-1", "1eab:1306"))
    (tree.root / "sys/class/tty/ttyACM1").symlink_to(tree.root / "sys/devices/gone")
    (tree.root / "sys/bus/usb/devices/1-9").symlink_to(tree.root / "sys/devices/gone")
    assert len(scan(tree.root)) == 1


def test_a_machine_without_buses_has_nothing(tmp_path: Path) -> None:
    assert scan(tmp_path) == []


@pytest.mark.parametrize("ids", TABLE)
def test_the_table_is_written_as_it_is_looked_up(ids: str) -> None:
    vid, pid = ids.split(":")
    assert (len(vid), len(pid), ids) == (4, 4, ids.lower())
    model = TABLE[ids]
    assert model.adapter or model.note
    assert model.name
