"""The package in a clean place: built, complete, installed without the source tree, at work."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from docs.generate.locks import ROOT

pytestmark = pytest.mark.heavy

PACKAGES = ("hub", "kiosk", "posters", "simulators", "ui")
STORE = """store_id = "S0001"
merchant = "老王便利店"
url = "https://q.example.cn/c/S0001"
"""
SLIP = {
    "version": 1,
    "elements": [
        {"type": "text", "text": "老王便利店"},
        {"type": "qr", "data": "https://q.example.cn/c/S0001"},
    ],
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the package is made of: building in the tree would leave traces there."""
    place = tmp_path_factory.mktemp("source")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, place)
    return place


@pytest.fixture(scope="module")
def wheel(source: Path) -> Path:
    words = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
    ]
    subprocess.run([*words, "-w", str(source / "dist"), "."], cwd=source, check=True, timeout=120)
    return next((source / "dist").glob("*.whl"))


def test_the_wheel_holds_every_file_of_the_packages(source: Path, wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    wanted = {
        str(f.relative_to(source)) for name in PACKAGES for f in (source / name).rglob("*") if f.is_file()
    }
    assert wanted - held == set()
    for suffix in (".toml", ".mo", ".jinja", ".css", ".js", ".svg", ".sql", ".json"):
        assert any(name.endswith(suffix) for name in held), suffix


def test_the_wheel_holds_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
        metadata = archive.read(next(n for n in archive.namelist() if n.endswith("/METADATA"))).decode()
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)
    assert "License-Expression: Apache-2.0" in metadata
    assert "Requires-Python: <3.14,>=3.11" in metadata


class Place:
    """A virtual environment and an empty directory, far from the source tree."""

    def __init__(self, root: Path, lock: str, wheel: Path) -> None:
        self.bin, self.home = root / "env" / "bin", root / "home"
        self.home.mkdir()
        venv.create(root / "env", with_pip=True)
        pip = [
            str(self.bin / "python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
        ]
        lock_file = str(ROOT / "requirements" / f"{lock}.txt")
        subprocess.run(
            [*pip, "--require-hashes", "--only-binary", ":all:", "-r", lock_file], check=True, timeout=600
        )
        subprocess.run([*pip, "--no-index", "--no-deps", str(wheel)], check=True, timeout=120)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the package with nothing of this machine's environment."""
        env = {"PATH": f"{self.bin}:{os.defpath}", "HOME": str(self.home), "LC_ALL": "C.UTF-8"}
        return subprocess.run(
            words,
            cwd=self.home,
            env=env,
            capture_output=True,
            text=True,
            timeout=120,
            stdin=subprocess.DEVNULL,
        )

    def good(self, *words: str) -> str:
        """Run a command that must succeed and return what it printed."""
        done = self.run(str(self.bin / words[0]), *words[1:])
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def kiosk_place(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Place:
    return Place(tmp_path_factory.mktemp("kiosk"), "kiosk", wheel)


@pytest.fixture(scope="module")
def hub_place(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Place:
    return Place(tmp_path_factory.mktemp("hub"), "demo", wheel)


def test_nothing_that_is_installed_misses_anything(kiosk_place: Place, hub_place: Place) -> None:
    for place in (kiosk_place, hub_place):
        assert "No broken requirements found" in place.good("python", "-m", "pip", "check")


def test_the_kiosk_works_where_only_the_kiosk_is_installed(kiosk_place: Place) -> None:
    assert "COMMAND" in kiosk_place.good("kiosk", "--help")
    assert json.loads(kiosk_place.good("kiosk", "slip", "schema"))["$defs"]
    (kiosk_place.home / "slip.json").write_text(json.dumps(SLIP), "utf-8")
    kiosk_place.good("kiosk", "slip", "render", "slip.json", "--to", "png", "-o", "slip.png")
    assert (kiosk_place.home / "slip.png").read_bytes().startswith(b"\x89PNG")
    kiosk_place.good("kiosk", "slip", "render", "slip.json", "--to", "escpos", "-o", "slip.bin")
    assert "老王便利店".encode("gbk") in (kiosk_place.home / "slip.bin").read_bytes()


def test_posters_work_where_only_the_kiosk_is_installed(kiosk_place: Place) -> None:
    names = {
        t["id"] for t in json.loads(kiosk_place.good("kiosk-posters", "templates", "--json"))["templates"]
    }
    assert {"stand-a6", "poster-a4"} <= names
    (kiosk_place.home / "store.toml").write_text(STORE, "utf-8")
    kiosk_place.good("kiosk-posters", "make", "stand-a6", "--data", "store.toml", "-o", "stand.pdf")
    assert (kiosk_place.home / "stand.pdf").read_bytes().startswith(b"%PDF-")


def test_the_hub_works_where_the_hub_is_installed(hub_place: Place) -> None:
    assert json.loads(hub_place.good("kiosk-hub", "batch", "schema"))
    (hub_place.home / "hub.toml").write_text('database = "sqlite:///hub.db"\n')
    hub_place.good("kiosk-hub", "migrate", "-c", "hub.toml")
    assert (hub_place.home / "hub.db").stat().st_size > 0


def test_the_hub_says_what_it_misses_where_only_the_kiosk_is_installed(kiosk_place: Place) -> None:
    done = kiosk_place.run(str(kiosk_place.bin / "kiosk-hub"), "migrate")
    assert done.returncode == 2
    assert "coupon-kiosk[hub]" in done.stderr
    assert "Traceback" not in done.stderr
