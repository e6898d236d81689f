"""Files beside the database: flushed with their names, and whole."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from kiosk.journal import files


class Flushed:
    """Stands for `os`: notes what is flushed, and says for directories what a file system may say."""

    def __init__(self, says: int = 0) -> None:
        self.paths: list[Path] = []
        self.says = says

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def fsync(self, fd: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{fd}"))
        if self.says and path.is_dir():
            raise OSError(self.says, os.strerror(self.says))
        self.paths.append(path)


@pytest.fixture
def flushed(monkeypatch: pytest.MonkeyPatch) -> Flushed:
    told = Flushed()
    monkeypatch.setattr(files, "os", told)
    return told


def test_content_is_flushed_before_its_name(tmp_path: Path, flushed: Flushed) -> None:
    files.put(tmp_path / "tip", b"new")
    assert (tmp_path / "tip").read_bytes() == b"new"
    assert flushed.paths == [tmp_path / "tip.new", tmp_path]
    assert os.listdir(tmp_path) == ["tip"]


def test_what_is_put_replaces_all_that_was_there(tmp_path: Path) -> None:
    (tmp_path / "tip").write_bytes(b"something longer")
    (tmp_path / "tip.new").write_bytes(b"what a power cut left, longer than all")
    files.put(tmp_path / "tip", b"new")
    assert (tmp_path / "tip").read_bytes() == b"new"


def test_a_mark_and_moves_are_flushed_by_name(tmp_path: Path, flushed: Flushed) -> None:
    files.mark(tmp_path / "running")
    files.mark(tmp_path / "running")
    files.move([(tmp_path / "running", tmp_path / "was")])
    files.remove(tmp_path / "was")
    files.remove(tmp_path / "was")
    assert flushed.paths == [tmp_path] * 3
    assert os.listdir(tmp_path) == []


def test_a_file_system_that_cannot_flush_names_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "os", Flushed(errno.EINVAL))
    files.mark(tmp_path / "running")
    monkeypatch.setattr(files, "os", Flushed(errno.EIO))
    with pytest.raises(OSError, match="Input/output"):
        files.mark(tmp_path / "running")
