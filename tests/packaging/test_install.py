"""deploy/install.sh: a dry run does nothing, a second run changes nothing, an undo leaves settings and data."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from docs.generate.locks import ROOT

SCRIPT = ROOT / "deploy" / "install.sh"
SETTINGS = {"kiosk": "etc/kiosk/kiosk.toml", "hub": "etc/kiosk-hub/hub.toml"}


def install(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the installer."""
    return subprocess.run(["sh", str(SCRIPT), *words], capture_output=True, text=True, timeout=60)


def files(root: Path) -> dict[str, tuple[int, int]]:
    """Return inode and change of every file and link below a root."""
    found = {}
    for path in root.rglob("*"):
        if path.is_symlink() or path.is_file():
            stat = path.lstat()
            found[str(path.relative_to(root))] = (stat.st_ino, stat.st_mtime_ns)
    return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An image's root, in a path with a space."""
    place = tmp_path / "image root"
    place.mkdir()
    return place


def test_the_kiosk_puts_its_files_where_systemd_looks(root: Path) -> None:
    done = install("kiosk", "--root", str(root))
    assert done.returncode == 0, done.stderr
    assert set(files(root)) == {
        "etc/kiosk/kiosk.toml",
        "etc/modules-load.d/kiosk.conf",
        "etc/systemd/system/kiosk-screen.service",
        "etc/systemd/system/kiosk.service",
        "etc/sysusers.d/kiosk.conf",
        "etc/tmpfiles.d/kiosk.conf",
        "etc/udev/rules.d/60-kiosk.rules",
        "usr/local/bin/kiosk",
        "usr/local/bin/kiosk-posters",
    }
    unit = root / "etc/systemd/system/kiosk.service"
    assert unit.read_bytes() == (ROOT / "systemd" / "kiosk.service").read_bytes()
    assert unit.stat().st_mode & 0o777 == 0o644
    assert (root / SETTINGS["kiosk"]).stat().st_mode & 0o777 == 0o640
    assert os.readlink(root / "usr/local/bin/kiosk") == "/opt/kiosk/bin/kiosk"


@pytest.mark.parametrize("what", SETTINGS)
def test_a_second_run_changes_nothing(root: Path, what: str) -> None:
    install(what, "--root", str(root))
    before = files(root)
    done = install(what, "--root", str(root))
    assert done.stdout == "nothing to change.\n"
    assert files(root) == before


@pytest.mark.parametrize("what", SETTINGS)
def test_settings_are_never_written_over(root: Path, what: str) -> None:
    install(what, "--root", str(root))
    (root / SETTINGS[what]).write_text("# mine\n")
    install(what, "--root", str(root))
    install(what, "--root", str(root), "--undo")
    assert (root / SETTINGS[what]).read_text() == "# mine\n"


@pytest.mark.parametrize("what", SETTINGS)
def test_an_update_replaces_what_is_old(root: Path, what: str) -> None:
    install(what, "--root", str(root))
    unit = root / "etc/systemd/system" / f"kiosk{'-hub' if what == 'hub' else ''}.service"
    unit.write_text("[Service]\n")
    assert "+ install" in install(what, "--root", str(root)).stdout
    assert unit.read_bytes() == (ROOT / "systemd" / unit.name).read_bytes()


@pytest.mark.parametrize("what", SETTINGS)
def test_an_undo_takes_away_what_was_put_there_and_nothing_else(root: Path, what: str) -> None:
    install(what, "--root", str(root))
    foreign = root / "etc/systemd/system/other.service"
    foreign.write_text("[Service]\n")
    done = install(what, "--root", str(root), "--undo")
    assert done.returncode == 0, done.stderr
    assert "stay" in done.stdout
    assert set(files(root)) == {SETTINGS[what], "etc/systemd/system/other.service"}


def test_a_command_of_somebody_else_stays(root: Path) -> None:
    (root / "usr/local/bin").mkdir(parents=True)
    (root / "usr/local/bin/kiosk").write_text("mine")
    done = install("kiosk", "--root", str(root))
    install("kiosk", "--root", str(root), "--undo")
    assert "/opt/kiosk/bin/kiosk by its whole name" in done.stdout
    assert (root / "usr/local/bin/kiosk").read_text() == "mine"


@pytest.mark.parametrize("words", [["kiosk"], ["hub"], ["kiosk", "--undo"]])
def test_a_dry_run_says_what_it_would_do_and_does_nothing(root: Path, words: list[str]) -> None:
    if "--undo" in words:
        install("kiosk", "--root", str(root))
    before = files(root)
    done = install(*words, "--dry-run", "--root", str(root))
    assert done.returncode == 0, done.stderr
    assert "\n+ " in f"\n{done.stdout}"
    assert files(root) == before


@pytest.mark.parametrize(
    "words", [[], ["till"], ["kiosk", "--fast"], ["kiosk", "--root"], ["kiosk", "--root", "/nowhere/at/all"]]
)
def test_a_mistake_is_answered_with_the_usage(words: list[str]) -> None:
    done = install(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "deploy/install.sh kiosk" in done.stderr or "make it first" in done.stderr


def test_only_root_installs() -> None:
    nobody = 65534 if os.geteuid() == 0 else None
    with SCRIPT.open() as script:  # by standard input: the tree may be in a place that nobody may read
        done = subprocess.run(
            ["sh", "-s", "kiosk"],
            stdin=script,
            cwd="/",
            user=nobody,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 2
    assert "only root can install" in done.stderr
