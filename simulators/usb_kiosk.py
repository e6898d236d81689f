"""`python -m simulators.usb_kiosk WORDS...`: the `kiosk` command on a machine whose USB holds one simulated slip printer.

pyusb asks for a bus by looking for libusb; here it finds a simulated one (`usb_backend`), which lives in the kiosk's own process.
"""

from __future__ import annotations

import runpy
import sys

import usb.backend.libusb1

from simulators.usb_backend import Bus, UsbPrinterSim


def main(words: list[str]) -> None:
    """Plug the printer in and run the command."""
    bus = Bus(UsbPrinterSim())
    usb.backend.libusb1.get_backend = lambda find_library=None: bus
    sys.argv = ["kiosk", *words]
    runpy.run_module("kiosk", run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
