"""The installer and both units in a booted Debian: real systemd, real users, the full hardening."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from docs.generate.locks import ROOT

pytestmark = pytest.mark.heavy

DEBIAN = {(3, 11): "bookworm", (3, 13): "trixie"}
INCLUDE = "python3,python3-venv,libusb-1.0-0,systemd,systemd-sysv,dbus,udev"
TREE = ("deploy", "hub", "kiosk", "posters", "requirements", "simulators", "systemd", "ui")
UNIT = """[Unit]
After=multi-user.target
[Service]
Type=oneshot
Environment=PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels
ExecStart=/bin/sh -c "bash /booted.sh >/booted.log 2>&1; sync; systemctl poweroff --no-block"
"""


def cannot(why: str) -> None:
    """Skip by name: a machine that may not boot a container says nothing about the units."""
    pytest.skip(f"NOT TESTED under a booted systemd: {why}")


def make_root(place: Path) -> None:
    """Make a small Debian with the source tree, the wheels and the steps in it."""
    name = DEBIAN.get(sys.version_info[:2])
    if name is None:
        pytest.skip("no Debian has this Python; the wheels of the lock would not fit")
    words = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={INCLUDE}", name, str(place)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=900)
    if done.returncode:  # Debian's mirror is not ours: that it is away says nothing about the units
        pytest.skip(f"a Debian cannot be made here: {done.stderr[-300:]}")
    for folder in TREE:
        shutil.copytree(ROOT / folder, place / "src" / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, place / "src")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes", "--only-binary", ":all:"]
    lock = str(ROOT / "requirements" / "demo.txt")
    subprocess.run([*pip, "-d", str(place / "wheels"), "-r", lock], check=True, timeout=600)
    shutil.copy(Path(__file__).with_name("booted.sh"), place)
    units = place / "etc" / "systemd" / "system"
    (units / "booted.service").write_text(UNIT)
    (units / "multi-user.target.wants").mkdir(exist_ok=True)
    (units / "multi-user.target.wants" / "booted.service").symlink_to("../booted.service")


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """How each step in the booted Debian ended."""
    if os.geteuid() != 0:
        pytest.skip("booting a container needs root")
    if not (shutil.which("mmdebstrap") and shutil.which("systemd-nspawn")):
        cannot("there is no container here: apt-get install mmdebstrap systemd-container")
    place = tmp_path_factory.mktemp("debian") / "root"
    make_root(place)
    nspawn = ["systemd-nspawn", "-D", str(place), "--register=no", "--keep-unit", "--private-network"]
    done = subprocess.run(
        [*nspawn, "--resolv-conf=off", "--console=pipe", "--boot"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )
    if not (place / "booted.log").exists():
        cannot(f"a container cannot be booted here: {(done.stdout + done.stderr)[-300:]}")
    log = (place / "booted.log").read_text("utf-8")
    doctor = (place / "doctor.txt").read_text("utf-8")
    shutil.rmtree(place)
    print(log)
    return {**dict(re.findall(r"^STEP (\S+) (.*)$", log, re.MULTILINE)), "doctor-said": doctor}


@pytest.mark.parametrize("what", ["kiosk", "hub"])
def test_it_installs_and_a_second_run_changes_nothing(steps: dict[str, str], what: str) -> None:
    assert steps[f"install-{what}"] == "0"
    assert steps[f"again-{what}"] == "nothing to change."


@pytest.mark.parametrize("unit", ["kiosk", "kiosk-hub"])
def test_it_starts_as_its_own_user_and_says_how_it_is(steps: dict[str, str], unit: str) -> None:
    assert (steps[f"start-{unit}"], steps[f"state-{unit}"]) == ("0", "active")
    assert steps[f"user-{unit}"].strip() == unit
    assert steps[f"said-{unit}"]


def test_both_answer_and_the_kiosk_can_ask_to_be_let_in(steps: dict[str, str]) -> None:
    assert (steps["hub-answers"], steps["page-answers"]) == ("200", "200")
    assert json.loads(steps["enrol"])["state"] == "pending"


def test_the_doctor_finds_that_there_is_no_printer(steps: dict[str, str]) -> None:
    assert steps["doctor"] == "1"
    assert "counter" in steps["doctor-said"]
    assert "Traceback" not in steps["doctor-said"]


def test_nobody_else_can_read_settings_journal_or_keys(steps: dict[str, str]) -> None:
    assert steps["secrets"] == "0"


def test_a_killed_daemon_comes_back(steps: dict[str, str]) -> None:
    assert steps["back-after-kill"] == "active"


@pytest.mark.parametrize("unit", ["kiosk", "kiosk-hub"])
def test_a_stop_is_clean_and_within_5_seconds(steps: dict[str, str], unit: str) -> None:
    assert steps[f"result-{unit}"] == "success"
    assert int(steps[f"stop-{unit}"]) < 5000


def test_a_mistake_in_the_settings_is_not_tried_again_and_again(steps: dict[str, str]) -> None:
    assert steps["bad-settings"] == "failed 0"


@pytest.mark.parametrize("what", ["kiosk", "hub"])
def test_an_undo_leaves_settings_and_data_alone(steps: dict[str, str], what: str) -> None:
    assert steps[f"undo-{what}"] == "0"
    assert (steps["left"], steps["kept"]) == ("0", "3")
