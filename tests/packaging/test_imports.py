"""Commands start light: what prints and draws loads when it is first used."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {
    "PIL",
    "aiohttp",
    "babel",
    "cryptography",
    "escpos",
    "gpiozero",
    "jinja2",
    "lxml",
    "pikepdf",
    "pypdfium2",
}
HEAVY |= {"qrcode", "reportlab", "serial", "sqlalchemy", "uharfbuzz", "usb", "zxingcpp"}
PRINT = "import sys, json; print(json.dumps(sorted({m.partition('.')[0] for m in sys.modules})))"


def loaded(statements: str) -> set[str]:
    """Return the top-level modules of a fresh interpreter after some statements."""
    done = subprocess.run(
        [sys.executable, "-c", f"{statements}; {PRINT}"], check=True, capture_output=True, text=True
    )
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    "statements",
    [
        "import kiosk.cli; kiosk.cli.build()",
        "import posters",
        "import posters.cli; posters.arguments.parser()",
        "import ui.texts",
    ],
)
def test_a_command_loads_nothing_heavy_before_it_is_asked_to(statements: str) -> None:
    assert loaded(statements) & HEAVY == set()


def test_the_daemon_loads_neither_pictures_nor_posters_nor_printer_libraries() -> None:
    later = {
        "PIL",
        "escpos",
        "gpiozero",
        "lxml",
        "pikepdf",
        "pypdfium2",
        "reportlab",
        "uharfbuzz",
        "usb",
        "zxingcpp",
    }
    assert loaded("import kiosk.daemon") & later == set()


def test_the_hub_starts_without_what_only_the_kiosk_uses() -> None:
    assert (
        loaded("import hub.cli; hub.cli.build()") & {"escpos", "gpiozero", "serial", "usb", "simulators"}
        == set()
    )
