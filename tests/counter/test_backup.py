"""A backup is proved by putting it back; one that is changed, foreign or made up changes nothing."""

from __future__ import annotations

import io
import sqlite3
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.clock import ManualClock
from kiosk.counter import backup
from kiosk.events import Bus
from kiosk.journal.store import Journal

from .world import NOW, slips


def journal(path: Path, mark: str) -> None:
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE item (mark TEXT)")
    db.execute("INSERT INTO item VALUES (?)", (mark,))
    db.commit()
    db.close()


def mark_of(path: Path) -> str:
    db = sqlite3.connect(path)
    found = db.execute("SELECT mark FROM item").fetchone()[0]
    db.close()
    return str(found)


def sealed(tmp_path: Path, **files: bytes) -> bytes:
    raw = io.BytesIO()
    copy = tmp_path / "copy.db"
    journal(copy, "from the backup")
    with zipfile.ZipFile(raw, "w") as bundle:
        bundle.write(copy, backup.JOURNAL)
        for name, content in files.items():
            bundle.writestr(name.replace("__", "/"), content)
    copy.unlink()
    return backup.seal(raw.getvalue(), "correct horse")


def test_what_was_staged_takes_the_place_of_what_is_here_at_the_next_start(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    journal(home / "journal.db", "older")
    raw = sealed(tmp_path, **{"device.key": b"key", "logos__a.png": b"logo", "kiosk.toml": b"x = 1"})
    backup.stage(raw, "correct horse", home)
    assert mark_of(home / "journal.db") == "older", "nothing is touched before the next start"
    (home / "journal.db-wal").write_bytes(b"of the older one")
    assert sorted(backup.put_back(home)) == ["device.key", "journal.db", "kiosk.toml", "logos/a.png"]
    assert not (home / "journal.db-wal").exists(), "a log of another file would corrupt it"
    assert mark_of(home / "journal.db") == "from the backup"
    assert (home / "device.key").read_bytes() == b"key"
    assert (home / "restored-kiosk.toml").read_bytes() == b"x = 1"
    assert mark_of(home / "before-restore" / "journal.db") == "older"
    assert backup.put_back(home) == [], "once"


def test_a_power_cut_in_the_middle_is_made_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = sealed(tmp_path, **{"device.key": b"key"})
    real, left = backup.os.replace, 0

    def cut(a: object, b: object) -> None:
        nonlocal left
        if left == 0:
            raise KeyboardInterrupt
        left -= 1
        real(a, b)  # type: ignore[arg-type]

    for steps in range(5):
        home = tmp_path / f"home-{steps}"
        home.mkdir()
        journal(home / "journal.db", "older")
        backup.stage(raw, "correct horse", home)
        left = steps
        with monkeypatch.context() as patched:
            patched.setattr(backup.os, "replace", cut)
            try:
                backup.put_back(home)
            except KeyboardInterrupt:
                assert steps < 3
        backup.put_back(home)
        assert mark_of(home / "journal.db") == "from the backup", steps
        assert (home / "device.key").read_bytes() == b"key"


@settings(max_examples=20)  # each costs a derivation of 0.1 s
@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_one_changed_bit_is_noticed(at: int, bit: int) -> None:
    raw = bytearray(_SEALED)
    raw[at % len(raw)] ^= 1 << bit
    with pytest.raises(backup.BackupError):
        backup.unseal(bytes(raw), "correct horse")


_SEALED = backup.seal(b"x" * 50, "correct horse")


@pytest.mark.parametrize(
    "raw", [b"", b"KIOSKB1\n", b"PK\x03\x04", _SEALED[:40]], ids=["empty", "head", "zip", "short"]
)
def test_what_is_no_backup_is_one_sentence(tmp_path: Path, raw: bytes) -> None:
    with pytest.raises(backup.BackupError, match=r"\.$"):
        backup.stage(raw, "correct horse", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_archive_cannot_write_elsewhere(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    raw = sealed(
        tmp_path, **{"..__evil": b"1", "logos__..__..__evil": b"2", "session.key": b"3", "logos__..": b"4"}
    )
    assert backup.stage(raw, "correct horse", home) == ["journal.db"]
    assert not list(tmp_path.rglob("*evil*"))


def test_a_damaged_journal_is_not_put_back(tmp_path: Path) -> None:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as bundle:
        bundle.writestr(backup.JOURNAL, b"SQLite format 3\0" + b"\xff" * 5000)
    with pytest.raises(backup.BackupError, match="journal in that backup"):
        backup.stage(backup.seal(raw.getvalue(), "p"), "p", tmp_path)
    assert not (tmp_path / backup.STAGED).exists()


def bomb(tmp_path: Path, size: int) -> bytes:
    """Return a backup that holds a logo of zeros, a thousand times smaller when it is packed."""
    raw = io.BytesIO()
    journal(tmp_path / "copy.db", "packed")
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.write(tmp_path / "copy.db", backup.JOURNAL)
        bundle.writestr("logos/a.png", bytes(size))
    return backup.seal(raw.getvalue(), "correct horse")


def test_a_backup_that_unpacks_to_more_than_a_kiosk_holds_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "MOST_UNPACKED", 1 << 20)
    with pytest.raises(backup.BackupError, match="too large"):
        backup.stage(bomb(tmp_path, 1 << 20), "correct horse", tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["copy.db"], "nothing of it stays on the card"


def test_what_is_large_is_unpacked_piece_by_piece(tmp_path: Path) -> None:
    raw = bomb(tmp_path, 48 << 20)
    tracemalloc.start()
    try:
        backup.stage(raw, "correct horse", tmp_path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (tmp_path / backup.STAGED / "logos" / "a.png").stat().st_size == 48 << 20
    assert peak < 8 << 20


def test_a_sealed_file_that_is_no_archive_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(backup.BackupError, match="cannot be unpacked"):
        backup.stage(backup.seal(b"no archive", "correct horse"), "correct horse", tmp_path)


@pytest.mark.parametrize("page", ["staff.md", "staff.zh-CN.md"])
def test_both_pages_name_the_ledger_of_stands_among_what_is_kept(page: str) -> None:
    assert "stands.jsonl" in backup.FILES
    assert "`stands.jsonl`" in (Path(__file__).parents[2] / "docs" / page).read_text("utf-8")


def test_an_archive_under_a_password_is_one_sentence(tmp_path: Path) -> None:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as bundle:
        bundle.writestr(backup.JOURNAL, b"under a password")
    marked = bytearray(raw.getvalue())
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # APPNOTE 4.4.4: bit 0 says encrypted
        marked[marked.find(header) + flags] |= 1
    with pytest.raises(backup.BackupError, match="cannot be unpacked"):
        backup.stage(backup.seal(bytes(marked), "correct horse"), "correct horse", tmp_path)
    assert list(tmp_path.iterdir()) == []


async def test_on_a_new_card_too_a_backup_is_an_older_journal(tmp_path: Path) -> None:
    """No witness came along that knows how far the journal had come: it decides nothing alone before it has asked the hub."""
    clock, old, new = ManualClock(NOW), tmp_path / "old", tmp_path / "new"
    journal = Journal(old, clock, Bus())
    await journal.start()
    await journal.put_codes("S2", slips(2))
    raw = await backup.make(journal, old, None, "correct horse")
    await journal.stop()
    new.mkdir()
    backup.stage(raw, "correct horse", new)
    backup.put_back(new)
    restored = Journal(new, clock, Bus())
    recovery = await restored.start()
    assert recovery.new_epoch
    assert "A backup was put back" in recovery.told
    assert restored.epoch != journal.epoch
    assert (await restored.get("unreconciled"), await restored.pool_left("S2")) == ("1", 0)
    await restored.stop()
    again = Journal(new, clock, Bus())
    assert (await again.start()).told == "", "once"
    assert again.epoch == restored.epoch
    await again.stop()
