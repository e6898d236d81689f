"""A bus for pyusb with simulated slip printers: the lowest layer that can be replaced where there is no USB.

`usb.core.find(backend=Bus(...))` finds its printers. Faults by name, one at a time and printer: see `BUS_FAULTS`.
"""

from __future__ import annotations

import errno
import threading
from types import SimpleNamespace
from typing import Any

import usb.backend
import usb.core

from simulators.paper import Interpreter

BUS_FAULTS = {
    "none": "prints",
    "absent": "not plugged in",
    "open_denied": "EACCES when it is opened",
    "claim_busy": "EBUSY when its interface is claimed",
    "unplug_mid_job": "ENODEV after `after` bytes of a job, and absent from then on",
    "io_mid_job": "EIO after `after` bytes of a job",
    "stall": "EPIPE at the first write, until the halt is cleared",
    "slow_write": "takes what it is given, half a second later",
    "short_write": "takes 5 bytes a write",
    "stuck": "takes `after` bytes of a job, then none",
    "paper_out": "no paper: keeps what comes and tells so",
    "silent": "prints and never answers",
    "no_port_status": "stalls the class's status request",
}
OUT, IN = 0x03, 0x81


class UsbPrinterSim:
    """One printer on the bus."""

    def __init__(
        self,
        vendor: int = 0x0416,
        product: int = 0x5011,
        serial: str = "A001",
        port: tuple[int, ...] = (1,),
        talks: bool = True,
    ) -> None:
        self.vendor, self.product, self.serial, self.port, self.talks = vendor, product, serial, port, talks
        self.fault, self.after = "none", 0
        self.driver = True
        """usblp holds the interface."""
        self.claimed = self.halted = False
        self.opened = 0
        self.configured = 1
        self.taken = bytearray()
        self.paper = Interpreter()
        self._held = bytearray()
        self._answers = bytearray()
        self._lock = threading.Lock()

    def set_fault(self, name: str, after: int = 0) -> None:
        """Set a fault; `none` plugs in, loads paper and prints what was held."""
        if name not in BUS_FAULTS:
            raise ValueError(f"there is no fault {name}; there are {', '.join(BUS_FAULTS)}")
        with self._lock:
            self.fault, self.after, self.halted = name, after, name == "stall"
            if name == "none" and self._held:
                held, self._held = bytes(self._held), bytearray()
                self._print(held)

    def write(self, data: bytes) -> int:
        """Take bytes as the endpoint does."""
        if self.fault == "slow_write":
            threading.Event().wait(0.5)
        with self._lock:
            if self.halted:
                raise usb.core.USBError("Pipe error", None, errno.EPIPE)
            self._break()
            room = self._room(len(data))
            if room <= 0:
                raise usb.core.USBTimeoutError("Operation timed out", None, errno.ETIMEDOUT)
            self._take(data[:room])
            return room

    def _room(self, size: int) -> int:
        if self.fault == "short_write":
            return min(size, 5)
        if self.fault in ("unplug_mid_job", "io_mid_job", "stuck"):
            return min(size, self.after - len(self.taken))
        return size

    def _break(self) -> None:
        if len(self.taken) < self.after:
            return
        if self.fault == "unplug_mid_job":
            self.fault = "absent"
        if self.fault == "absent":
            raise usb.core.USBError("No such device (it may have been disconnected)", None, errno.ENODEV)
        if self.fault == "io_mid_job":
            raise usb.core.USBError("Input/Output Error", None, errno.EIO)

    def _take(self, data: bytes) -> None:
        asked = []
        while (at := data.find(b"\x10\x04")) >= 0 and at + 2 < len(data):
            asked.append(data[at + 2])
            data = data[:at] + data[at + 3 :]
        if self.fault != "silent":
            self._answers += bytes(self._status(n) for n in asked)
        self.taken += data
        if self.fault == "paper_out":
            self._held += data
        else:
            self._print(data)

    def _status(self, n: int) -> int:
        if self.fault != "paper_out":
            return 0x12
        return {1: 0x1A, 2: 0x32, 4: 0x72}.get(n, 0x12)

    def _print(self, data: bytes) -> None:
        self.paper.feed(data)
        if self.fault != "silent":
            self._answers += bytes(len(self.paper.answers))
        self.paper.answers.clear()

    def read(self, size: int) -> bytes:
        """Give what the printer says."""
        with self._lock:
            if self.fault == "absent":
                raise usb.core.USBError("No such device", None, errno.ENODEV)
            if not self._answers:
                raise usb.core.USBTimeoutError("Operation timed out", None, errno.ETIMEDOUT)
            said, self._answers = bytes(self._answers[:size]), self._answers[size:]
            return said

    def port_status(self) -> int:
        """Give the class's status byte."""
        if self.fault == "absent":
            raise usb.core.USBError("No such device", None, errno.ENODEV)
        if self.fault == "no_port_status":
            raise usb.core.USBError("Pipe error", None, errno.EPIPE)
        return 0x30 if self.fault == "paper_out" else 0x18

    def text(self) -> str:
        """Return what is on paper."""
        self.paper.end()
        return "\n".join(slip.text for slip in self.paper.slips)


class Bus(usb.backend.IBackend):  # type: ignore[misc]
    """The bus: pyusb's lowest layer."""

    def __init__(self, *printers: UsbPrinterSim) -> None:
        super().__init__()
        self.printers = printers

    def enumerate_devices(self) -> list[UsbPrinterSim]:
        """List what is plugged in."""
        return [p for p in self.printers if p.fault != "absent"]

    def get_device_descriptor(self, dev: UsbPrinterSim) -> Any:
        """Describe a device."""
        return SimpleNamespace(
            bLength=18, bDescriptorType=1, bcdUSB=0x0200, bDeviceClass=0, bDeviceSubClass=0, bDeviceProtocol=0, bMaxPacketSize0=64,
            idVendor=dev.vendor, idProduct=dev.product, bcdDevice=0x0100, iManufacturer=0, iProduct=0,
            iSerialNumber=3 if dev.serial else 0, bNumConfigurations=1, address=9, bus=1, port_number=dev.port[-1],
            port_numbers=dev.port, speed=2,
        )  # fmt: skip

    def get_configuration_descriptor(self, dev: UsbPrinterSim, config: int) -> Any:
        """Describe the one configuration."""
        if config:
            raise IndexError(config)
        return SimpleNamespace(
            bLength=9, bDescriptorType=2, wTotalLength=32, bNumInterfaces=1, bConfigurationValue=1, iConfiguration=0,
            bmAttributes=0xC0, bMaxPower=50, extra_descriptors=b"",
        )  # fmt: skip

    def get_interface_descriptor(self, dev: UsbPrinterSim, intf: int, alt: int, config: int) -> Any:
        """Describe the one interface, of the printer class."""
        if intf or alt:
            raise IndexError(intf)
        return SimpleNamespace(
            bLength=9, bDescriptorType=4, bInterfaceNumber=0, bAlternateSetting=0, bNumEndpoints=2 if dev.talks else 1,
            bInterfaceClass=7, bInterfaceSubClass=1, bInterfaceProtocol=2 if dev.talks else 1, iInterface=0, extra_descriptors=b"",
        )  # fmt: skip

    def get_endpoint_descriptor(self, dev: UsbPrinterSim, ep: int, intf: int, alt: int, config: int) -> Any:
        """Describe the bulk endpoints: 0x03 and 0x81, as cheap boards have them."""
        return SimpleNamespace(
            bLength=7, bDescriptorType=5, bEndpointAddress=(OUT, IN)[ep], bmAttributes=2, wMaxPacketSize=64, bInterval=0, bRefresh=0,
            bSynchAddress=0, extra_descriptors=b"",
        )  # fmt: skip

    def open_device(self, dev: UsbPrinterSim) -> UsbPrinterSim:
        """Open a device."""
        if dev.fault == "open_denied":
            raise usb.core.USBError("Access denied (insufficient permissions)", None, errno.EACCES)
        dev.opened += 1
        return dev

    def close_device(self, dev_handle: UsbPrinterSim) -> None:
        """Close a device."""
        dev_handle.opened -= 1

    def set_configuration(self, dev_handle: UsbPrinterSim, config_value: int) -> None:
        """Choose a configuration."""
        dev_handle.configured = config_value

    def get_configuration(self, dev_handle: UsbPrinterSim) -> int:
        """Tell the configuration."""
        return dev_handle.configured

    def claim_interface(self, dev_handle: UsbPrinterSim, intf: int) -> None:
        """Claim the interface; usblp or another program may have it."""
        if dev_handle.fault == "claim_busy" or dev_handle.driver:
            raise usb.core.USBError("Resource busy", None, errno.EBUSY)
        dev_handle.claimed = True

    def release_interface(self, dev_handle: UsbPrinterSim, intf: int) -> None:
        """Let go of the interface."""
        self._there(dev_handle)
        dev_handle.claimed = False

    def is_kernel_driver_active(self, dev_handle: UsbPrinterSim, intf: int) -> bool:
        """Tell whether usblp has it."""
        return dev_handle.driver

    def detach_kernel_driver(self, dev_handle: UsbPrinterSim, intf: int) -> None:
        """Take it from usblp."""
        dev_handle.driver = False

    def attach_kernel_driver(self, dev_handle: UsbPrinterSim, intf: int) -> None:
        """Give it back to usblp."""
        self._there(dev_handle)
        dev_handle.driver = True

    def bulk_write(self, dev_handle: UsbPrinterSim, ep: int, intf: int, data: Any, timeout: int) -> int:
        """Write to the printer."""
        if ep != OUT or not dev_handle.claimed:
            raise usb.core.USBError("Invalid parameter", None, errno.EINVAL)
        return dev_handle.write(bytes(data))

    def bulk_read(self, dev_handle: UsbPrinterSim, ep: int, intf: int, buff: Any, timeout: int) -> int:
        """Read from the printer; silence takes the time it is given."""
        try:
            said = dev_handle.read(len(buff))
        except usb.core.USBTimeoutError:
            threading.Event().wait(timeout / 1000)
            raise
        buff[: len(said)] = type(buff)("B", said)
        return len(said)

    def ctrl_transfer(
        self,
        dev_handle: UsbPrinterSim,
        bmRequestType: int,
        bRequest: int,
        wValue: int,
        wIndex: int,
        data: Any,
        timeout: int,
    ) -> int:
        """Answer requests for texts and for the port status."""
        if bmRequestType == 0xA1 and bRequest == 1:
            said = bytes([dev_handle.port_status()])
        elif bmRequestType == 0x80 and bRequest == 6 and wValue >> 8 == 3:
            said = self._string(dev_handle, wValue & 0xFF)
        else:
            raise usb.core.USBError("Pipe error", None, errno.EPIPE)
        said = said[: len(data)]
        data[: len(said)] = type(data)("B", said)
        return len(said)

    def _string(self, printer: UsbPrinterSim, index: int) -> bytes:
        body = b"\x09\x04" if index == 0 else printer.serial.encode("utf-16-le")
        return bytes([len(body) + 2, 3]) + body

    def clear_halt(self, dev_handle: UsbPrinterSim, ep: int) -> None:
        """Let a stalled endpoint go on."""
        dev_handle.halted = False

    def _there(self, printer: UsbPrinterSim) -> None:
        if printer.fault == "absent":
            raise usb.core.USBError("No such device", None, errno.ENODEV)
