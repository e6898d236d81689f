"""One USB printer by pyusb, in blocking calls of at most half a second; the owner runs them in one thread of its own.

No device is reset, and usblp gets its interface back at the end: /dev/usb/lp0 is there again (facts: printing 2.4, 2.6).
"""

from __future__ import annotations

import contextlib
import errno
import logging
import time
from collections.abc import Callable
from typing import Any

import msgspec

log = logging.getLogger(__name__)
SLICE_MS = 500
"""Longest time in one write; the deadline is looked at in between."""
READ_MS = 100
PORT_MS = 500
PORT_EVERY_S = 1.0
PRINTER_CLASS = 7
GET_PORT_STATUS = 1
"""USB printer class 1.1, 4.2.2: request type 0xA1, one byte."""


class Address(msgspec.Struct, frozen=True):
    """Which device: numbers of vendor and product, and where two are alike, its serial number or its port."""

    vendor: int
    product: int
    serial: str = ""
    port: str = ""
    """Bus and ports as the kernel names them, such as 1-1.4."""

    def __str__(self) -> str:
        """Name it for people."""
        more = (
            f" with serial number {self.serial}"
            if self.serial
            else f" at port {self.port}"
            if self.port
            else ""
        )
        return f"USB device {self.vendor:04x}:{self.product:04x}{more}"


class UsbError(OSError):
    """The device cannot be used: errno as the system names it, strerror for people."""


class UsbDevice:
    """A printer that is open and ours."""

    def __init__(self, address: Address, backend: Any = None) -> None:
        self._address = address
        self._device, self._backend = _find(address, backend), backend
        self._detached = self._claimed = False
        self._interface, self._out, self._in = 0, 0, 0
        self.port_bits: int | None = None
        """The class's port status when it was last asked; None: the printer does not tell."""
        self._asked = 0.0
        try:
            self._claim()
        except BaseException:
            self.close()
            raise

    def _claim(self) -> None:
        with _plain(self._address):
            try:
                self._device.get_active_configuration()
            except OSError as err:
                if err.errno not in (None, errno.ENOENT, errno.EIO):
                    raise
                self._device.set_configuration()  # only where none is set: setting it again resets the device's state
            interface = _interface(self._device)
            if interface is None:
                raise UsbError(errno.ENXIO, f"{self._address} is no printer: it has no bulk output")
            self._interface = interface.bInterfaceNumber
            self._out, self._in = _endpoint(interface, False), _endpoint(interface, True)
            with contextlib.suppress(NotImplementedError):  # not every system has drivers to detach
                if self._device.is_kernel_driver_active(self._interface):
                    self._device.detach_kernel_driver(self._interface)
                    self._detached = True
            _util().claim_interface(self._device, self._interface)
            self._claimed = True
        self.ask_port()

    @property
    def talks(self) -> bool:
        """Tell whether the printer can answer."""
        return bool(self._in)

    def write(self, data: bytes) -> int:
        """Write some bytes and return how many the printer took; 0 when it took none in time."""
        with _plain(self._address):
            try:
                return int(self._device.write(self._out, data, SLICE_MS))
            except _timeout():
                self.ask_port()
                return 0
            except OSError as err:
                if err.errno == errno.EPIPE:
                    self._device.clear_halt(self._out)  # or every later job would stall as well
                    raise UsbError(errno.EPROTO, f"{self._address} refused the data (stall)") from None
                raise

    def read(self) -> bytes:
        """Return what came; empty when nothing did in time."""
        with _plain(self._address):
            try:
                return bytes(self._device.read(self._in, 64, READ_MS))
            except _timeout():
                if time.monotonic() - self._asked > PORT_EVERY_S:
                    self.ask_port()
                return b""

    def ask_port(self) -> None:
        """Ask for the port status, which even printers give that know no DLE EOT."""
        self._asked = time.monotonic()
        try:
            raw = self._device.ctrl_transfer(0xA1, GET_PORT_STATUS, 0, self._interface << 8, 1, PORT_MS)
            self.port_bits = raw[0] if len(raw) == 1 else None
        except OSError as err:
            if err.errno == errno.ENODEV:
                raise UsbError(errno.ENODEV, f"{self._address} was unplugged") from None
            self.port_bits = None  # stalled or silent: it has no port status

    def close(self) -> None:
        """Give everything back; a device that has gone has nothing to take."""
        for undo in (self._release, self._attach, lambda: _util().dispose_resources(self._device)):
            try:
                undo()
            except OSError as err:
                log.debug("%s: not given back: %s", self._address, err.strerror or err)

    def _release(self) -> None:
        if self._claimed:
            self._claimed = False
            _util().release_interface(self._device, self._interface)

    def _attach(self) -> None:
        if self._detached:
            self._detached = False
            self._device.attach_kernel_driver(self._interface)


def _util() -> Any:
    import usb.util

    return usb.util


def _timeout() -> type[Exception]:
    import usb.core

    kind: type[Exception] = usb.core.USBTimeoutError
    return kind


@contextlib.contextmanager
def _plain(address: Address) -> Any:
    """Turn pyusb's errors into the system's, with the device's name."""
    try:
        yield
    except UsbError:
        raise
    except OSError as err:
        raise UsbError(err.errno or errno.EIO, f"{address}: {_words(err)}") from None


def _words(err: OSError) -> str:
    known = {
        errno.EACCES: "this user may not use it; install the udev rule of the kiosk, or use lp:///dev/usb/lp0",
        errno.EBUSY: "another program uses it",
        errno.ENODEV: "it was unplugged",
    }
    return known.get(err.errno or 0, err.strerror or "it does not work")


def _find(address: Address, backend: Any) -> Any:
    """Return the device; UsbError when there is none, or more than one."""
    import usb.core

    try:
        with _plain(address):
            found = list(
                usb.core.find(
                    find_all=True, backend=backend, idVendor=address.vendor, idProduct=address.product
                )
            )
            found = [d for d in found if _fits(d, address)]
    except usb.core.NoBackendError:
        raise UsbError(
            errno.ENOSYS, "libusb is not installed; install libusb-1.0-0, or use lp:///dev/usb/lp0"
        ) from None
    if not found:
        raise UsbError(errno.ENXIO, f"{address} is not there; check the cable and that the printer is on")
    if len(found) > 1:
        places = ", ".join(sorted(map(_place, found)))
        raise UsbError(
            errno.EMLINK,
            f"{address} is there {len(found)} times; add ?serial=... or ?port= with one of {places}",
        )
    return found[0]


def _fits(device: Any, address: Address) -> bool:
    if address.port and _place(device) != address.port:
        return False
    if not address.serial:
        return True
    try:
        return bool(device.serial_number == address.serial)
    except ValueError:  # a device without texts has no serial number
        return False


def _place(device: Any) -> str:
    return f"{device.bus}-{'.'.join(map(str, device.port_numbers or ()))}"


def _interface(device: Any) -> Any:
    """Return the interface to print on: of the printer class, one that talks first; else any with bulk output."""
    fitting = [i for i in device.get_active_configuration() if _endpoint(i, False)]
    printers = [i for i in fitting if i.bInterfaceClass == PRINTER_CLASS]
    rank: Callable[[Any], bool] = lambda i: not _endpoint(i, True)  # noqa: E731
    return min(printers or fitting, key=rank, default=None)


def _endpoint(interface: Any, inward: bool) -> int:
    """Return the address of the first bulk endpoint in a direction; 0 when there is none."""
    for endpoint in interface:
        if endpoint.bmAttributes & 3 == 2 and bool(endpoint.bEndpointAddress & 0x80) == inward:
            return int(endpoint.bEndpointAddress)
    return 0
