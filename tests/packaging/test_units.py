"""The units of systemd: their fields, what systemd's own checks say, and the daemon's side of the bargain."""

from __future__ import annotations

import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from docs.generate.locks import ROOT

UNITS = ("kiosk", "kiosk-hub")
PLACE = ROOT / "systemd"


def read(unit: str) -> dict[str, dict[str, list[str]]]:
    """Return a unit's values by section and key; a key may come several times."""
    sections: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    section = ""
    for line in (PLACE / f"{unit}.service").read_text("utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, equals, value = line.partition("=")
            assert equals, f"{unit}: {line}"
            sections[section][key].append(value)
    return sections


def one(unit: str, key: str, section: str = "Service") -> str:
    (value,) = read(unit)[section][key]
    return value


@pytest.mark.parametrize("unit", UNITS)
def test_the_daemon_and_systemd_talk(unit: str) -> None:
    assert one(unit, "Type") == "notify"
    assert one(unit, "NotifyAccess") == {"kiosk": "main", "kiosk-hub": "all"}[unit]
    assert 10 <= int(one(unit, "WatchdogSec")) <= 60
    assert "PYTHONFAULTHANDLER=1" in " ".join(read(unit)["Service"]["Environment"])


@pytest.mark.parametrize("unit", UNITS)
def test_a_stop_is_asked_for_and_has_its_5_seconds(unit: str) -> None:
    assert one(unit, "KillSignal") == "SIGTERM"
    assert one(unit, "KillMode") == "mixed"
    assert 5 < int(one(unit, "TimeoutStopSec")) <= 15


@pytest.mark.parametrize("unit", UNITS)
def test_it_comes_back_for_ever_but_not_after_a_mistake_in_its_settings(unit: str) -> None:
    assert one(unit, "Restart") == "on-failure"
    assert one(unit, "StartLimitIntervalSec", "Unit") == "0"
    assert one(unit, "RestartPreventExitStatus") == "2"


@pytest.mark.parametrize("unit", UNITS)
def test_it_starts_in_a_shop_without_internet(unit: str) -> None:
    waits = " ".join(v for key in ("After", "Wants", "Requires", "BindsTo") for v in read(unit)["Unit"][key])
    assert "network-online" not in waits
    assert "time-sync" not in waits
    assert read(unit)["Unit"]["Requires"] == []


def test_the_kiosk_reaches_its_devices_and_no_others() -> None:
    service = read("kiosk")["Service"]
    assert {"lp", "dialout", "gpio", "input", "video", "audio"} == set(
        one("kiosk", "SupplementaryGroups").split()
    )
    assert one("kiosk", "DevicePolicy") == "closed"
    classes = {value.split()[0] for value in service["DeviceAllow"]}
    serial = {"char-ttyACM", "char-ttyAMA", "char-ttyS", "char-ttyUSB"}
    assert classes == serial | {
        "char-usb",
        "char-usb_device",
        "char-gpiochip",
        "char-input",
        "char-hidraw",
        "char-alsa",
    }
    modules = set((PLACE / "kiosk.modules.conf").read_text().split("\n"))
    assert {"usblp", "cdc_acm", "usbserial"} <= modules


def test_the_users_have_the_groups_that_the_units_name() -> None:
    lines = [line.split() for line in (PLACE / "kiosk.sysusers.conf").read_text().splitlines()]
    assert {f[2] for f in lines if f[:2] == ["m", "kiosk"]} == set(
        one("kiosk", "SupplementaryGroups").split()
    )
    for unit in UNITS:
        text = (PLACE / f"{unit}.sysusers.conf").read_text()
        assert f"u {unit} - " in text
        assert one(unit, "User") == one(unit, "Group") == one(unit, "StateDirectory") == unit


def test_the_settings_are_where_the_units_say() -> None:
    assert "KIOSK_CONFIG=/etc/kiosk/kiosk.toml" in " ".join(read("kiosk")["Service"]["Environment"])
    assert "KIOSK_HUB_CONFIG=/etc/kiosk-hub/hub.toml" in " ".join(read("kiosk-hub")["Service"]["Environment"])


def test_the_settings_that_are_installed_first_are_good() -> None:
    from hub import config as hub_config
    from kiosk import config as kiosk_config
    from kiosk.printing.printers.factory import open_printer

    kiosk = kiosk_config.load(ROOT / "deploy" / "kiosk.toml")
    hub = hub_config.load(ROOT / "deploy" / "hub.toml")
    assert (kiosk.warnings, hub.warnings) == ((), ())
    for name, printer in kiosk.value.printers.items():
        open_printer(name, printer.url, printer.profile)
    assert one("kiosk-hub", "StateDirectory") in hub.value.database


def checkable(unit: str, tmp_path: Path) -> str:
    """Copy a unit with a program that is here in place of ours."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze here: apt-get install systemd")
    text = (PLACE / f"{unit}.service").read_text("utf-8")
    copy = tmp_path / f"{unit}.service"
    copy.write_text(text.replace(one(unit, "ExecStart"), "/bin/true"), "utf-8")
    return str(copy)


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_finds_nothing_wrong(unit: str, tmp_path: Path) -> None:
    words = ["systemd-analyze", "verify", "--man=no", checkable(unit, tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_calls_it_little_exposed(unit: str, tmp_path: Path) -> None:
    """Measured: 1.5 and 1.4 of 10; a unit with nothing but a user has 9.2."""
    words = ["systemd-analyze", "security", "--offline=true", "--threshold=20", checkable(unit, tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout[-200:]


def test_the_screen_comes_back_for_ever_and_goes_before_the_daemon() -> None:
    service = read("kiosk-screen")["Service"]
    assert one("kiosk-screen", "Restart") == "always"
    assert one("kiosk-screen", "StartLimitIntervalSec", "Unit") == "0"
    assert int(one("kiosk-screen", "OOMScoreAdjust")) > 0 > int(one("kiosk", "OOMScoreAdjust"))
    assert service["MemoryMax"]
    assert one("kiosk-screen", "User") == "kiosk-screen"
    assert "u kiosk-screen - " in (PLACE / "kiosk.sysusers.conf").read_text()
    assert one("kiosk-screen", "ExecStart").startswith("/usr/bin/cage ")
    waits = " ".join(v for key in ("After", "Wants", "Requires") for v in read("kiosk-screen")["Unit"][key])
    assert "network-online" not in waits
    assert "time-sync" not in waits


def test_systemd_finds_nothing_wrong_with_the_screen(tmp_path: Path) -> None:
    words = ["systemd-analyze", "verify", "--man=no", checkable("kiosk-screen", tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    told = [line for line in (done.stdout + done.stderr).splitlines() if "kiosk.service" not in line]
    assert told == []
