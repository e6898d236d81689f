"""What is known of USB devices by their VID:PID: model, what it is at a counter, and which adapter drives it.

Names are those of the public usb.ids list (2025.07.26) unless `source` says otherwise. A chip that is sold inside many
devices (a USB to serial bridge) cannot say what hangs on it: its kind is `serial`, and the shop names it in kiosk.toml.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["scanner", "display", "printer", "serial", "keyboard", "unknown"]


class Model(msgspec.Struct, frozen=True):
    """One row: `adapter` is the scheme of its address; empty where there is none yet."""

    kind: Kind
    name: str
    adapter: str = ""
    note: str = ""
    source: str = "usb.ids"


BRIDGE = "a serial bridge; kiosk.toml says what hangs on it"
POS = "scan the code for 'USB serial' (virtual COM) in its manual"
ESCPOS = "python-escpos' list of printers"
ODOO = "odoo-driver's display plug-in"


def _newland(base: int, name: str) -> dict[str, Model]:
    """Return the three modes of a Newland engine: keyboard at 3, serial at 6, HID-POS at 0x10 above its base."""
    return {
        f"1eab:{base + 0x03:04x}": Model("scanner", f"Newland {name}, keyboard mode", "hid"),
        f"1eab:{base + 0x06:04x}": Model("scanner", f"Newland {name}, serial mode", "serial"),
        f"1eab:{base + 0x10:04x}": Model("scanner", f"Newland {name}, HID-POS mode", "", POS),
    }


TABLE: dict[str, Model] = {
    "05e0:1200": Model("scanner", "Zebra/Symbol scanner, keyboard mode", "hid"),
    "05e0:1701": Model("scanner", "Zebra/Symbol scanner, serial mode", "serial"),
    "0c2e:0204": Model("scanner", "Honeywell/Metrologic MS7120, keyboard mode", "hid"),
    "0c2e:0720": Model("scanner", "Honeywell/Metrologic MS7120, serial mode", "serial"),
    "0c2e:0007": Model("scanner", "Honeywell/Metrologic MS7120, IBM mode", "", POS),
    "0c2e:0b6a": Model("scanner", "Honeywell Vuquest 3310", "serial"),
    "0c2e:0b81": Model("scanner", "Honeywell Voyager 1400g", "hid"),
    **_newland(0x0100, "HR200"),
    **_newland(0x0C00, "HR100, HR3260, HR3290, BS80"),
    **_newland(0x0D00, "EM2028"),
    **_newland(0x1300, "EM30xx, EM20xx, HR3260, HR200C"),
    **_newland(0x1400, "HR15"),
    **_newland(0x1600, "FM100-M, 3250"),
    **_newland(0x1900, "EM1300"),
    **_newland(0x1A00, "HR3290, HR22"),
    **_newland(0x1C00, "HR2150"),
    "1eab:1d03": Model("scanner", "Newland FM430, keyboard mode", "hid"),
    "1eab:1d06": Model("scanner", "Newland FM430, serial mode", "serial"),
    "05f9:2202": Model("scanner", "Datalogic/PSC hand scanner", "hid"),
    "05f9:2601": Model("scanner", "Datalogic Magellan 1000i", "hid"),
    "05f9:2602": Model("scanner", "Datalogic Magellan 1100i", "hid"),
    "080c:0300": Model("scanner", "Datalogic Gryphon D120", "hid"),
    "0581:0107": Model("scanner", "Tera scanner, 2.4 GHz receiver", "hid"),
    "0581:020c": Model("scanner", "Tera EVHK0012", "hid"),
    "065a:0009": Model("scanner", "Opticon NLV-1001, serial mode", "serial"),
    "0416:c141": Model("scanner", "scanner on a Winbond chip", "hid"),
    "04b4:0100": Model("scanner", "Cino FuzzyScan F760-B", "hid"),
    "04b8:0202": Model("printer", "Epson slip printer, UB-U05 (TM-T70, TM-T88IV)", "lp"),
    "04b8:0e03": Model("printer", "Epson TM-T20", "lp"),
    "1504:001f": Model("printer", "Bixolon SRP-350II", "lp"),
    "0416:5011": Model("printer", "58 mm slip printer (POS58)", "lp", source=ESCPOS),
    "0fe6:811e": Model("printer", "80 mm slip printer (ICS)", "lp", source=ESCPOS),
    "0416:f011": Model("display", "pole display (Oxhoo, Aures)", "escpos-pole+serial", source=ODOO),
    "0416:f012": Model("display", "pole display (Oxhoo, Aures)", "escpos-pole+serial", source=ODOO),
    "1a86:7522": Model("serial", "CH340 serial bridge", "serial", BRIDGE),
    "1a86:7523": Model("serial", "CH340 serial bridge", "serial", BRIDGE),
    "1a86:5523": Model("serial", "CH341 serial bridge", "serial", BRIDGE),
    "10c4:ea60": Model("serial", "CP210x serial bridge", "serial", BRIDGE),
    "10c4:ea70": Model("serial", "CP2105 double serial bridge", "serial", BRIDGE),
    "0403:6001": Model("serial", "FT232 serial bridge", "serial", BRIDGE),
    "0403:6010": Model("serial", "FT2232 double serial bridge", "serial", BRIDGE),
    "0403:6015": Model("serial", "FT230X serial bridge", "serial", BRIDGE),
    "067b:2303": Model("serial", "PL2303 serial bridge", "serial", BRIDGE),
    "067b:23a3": Model("serial", "PL2303 serial bridge", "serial", BRIDGE),
}


def look_up(vid: str, pid: str) -> Model | None:
    """Return what is known of a device, or None."""
    return TABLE.get(f"{vid.lower()}:{pid.lower()}")
