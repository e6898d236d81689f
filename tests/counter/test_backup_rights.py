"""A backup that is put back lets nobody in who was let out since."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from kiosk.clock import ManualClock
from kiosk.counter import backup
from kiosk.events import Bus
from kiosk.journal.clients import Client
from kiosk.journal.people import Person
from kiosk.journal.rights import LINE
from kiosk.journal.store import Journal

from .world import NOW

PHRASE = "correct horse"
GONE, STAYS = Person("P1", "小李", "clerk", "v1"), Person("P2", "小王", "clerk", "v2")


def token(name: str) -> Client:
    return Client(id=name, name=name, digest="d", scopes=("redeem",), made_at=NOW)


async def opened(home: Path) -> Journal:
    journal = Journal(home, ManualClock(NOW), Bus())
    await journal.start()
    return journal


def lay(home: Path, **files: str) -> None:
    home.mkdir(exist_ok=True)
    for name, content in files.items():
        (home / name.replace("_", ".")).write_text(content)


async def a_backup_and_what_came_after(home: Path) -> bytes:
    """Make a backup; then let a person, a token, a phone and a session out, and change the PIN."""
    lay(home, device_key="k", staff_pin="111111", session_key="s")
    journal = await opened(home)
    for person in (GONE, STAYS):
        await journal.put_person(person)
    for name in ("leaked", "till"):
        await journal.add_client(token(name))
    await journal.put("phones", '{"a": {}}')
    await journal.put(LINE, "of this journal")
    raw = await backup.make(journal, home, None, PHRASE)
    await journal.drop_person("P1")
    await journal.put_person(Person("P3", "小张", "manager", "v3"))
    await journal.revoke_client("leaked")
    await journal.put("phones", "{}")
    await journal.put("sessions_ended", '{"a": 9}')
    await journal.note_act("P3", "小张", "restore")
    await journal.stop()
    (home / "staff.pin").write_text("222222")
    return raw


async def rights(home: Path) -> tuple[list[str], list[str], str, str]:
    """Return people, tokens that hold, phones and ended sessions."""
    journal = await opened(home)
    try:
        people = sorted(p.id for p in await journal.people())
        holding = sorted(c.id for c in await journal.clients() if c.revoked_at is None)
        return people, holding, await journal.get("phones") or "", await journal.get("sessions_ended") or ""
    finally:
        await journal.stop()


async def test_on_the_same_kiosk_they_stay_as_they_are_now(tmp_path: Path) -> None:
    home = tmp_path / "home"
    backup.stage(await a_backup_and_what_came_after(home), PHRASE, home)
    assert backup.is_own(home)
    backup.put_back(home)
    assert await rights(home) == (["P2", "P3"], ["till"], "{}", '{"a": 9}')
    assert (home / "staff.pin").read_text() == "222222"
    assert (home / "session.key").read_text() == "s", "who is signed in stays so"
    journal = await opened(home)
    assert [a.what for a in await journal.acts()] == ["restore"], "who put it back is still on record"
    await journal.stop()


async def test_a_power_cut_after_the_rights_were_settled_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    backup.stage(await a_backup_and_what_came_after(home), PHRASE, home)
    for step in ("mark", "flush_names"):
        with monkeypatch.context() as patched:
            patched.setattr(backup.files, step, cut)
            with pytest.raises(KeyboardInterrupt):
                backup.put_back(home)
    with monkeypatch.context() as patched:  # in the middle of the move: the journal of now is beside already
        patched.setattr(backup.shutil, "rmtree", cut)
        with pytest.raises(KeyboardInterrupt):
            backup.put_back(home)
    backup.put_back(home)
    assert await rights(home) == (["P2", "P3"], ["till"], "{}", '{"a": 9}')


def cut(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


async def test_on_another_card_tokens_phones_and_sessions_end(tmp_path: Path) -> None:
    raw, new = await a_backup_and_what_came_after(tmp_path / "old"), tmp_path / "new"
    lay(new, device_key="another", session_key="s")
    await (await opened(new)).stop()
    backup.stage(raw, PHRASE, new)
    assert not backup.is_own(new)
    backup.put_back(new)
    assert await rights(new) == (["P1", "P2"], [], "", "")
    assert not (new / "session.key").exists()
    assert (new / "staff.pin").read_text() == "111111"


async def test_where_the_journal_was_lost_meanwhile_tokens_end(tmp_path: Path) -> None:
    """It was begun anew, and knows of nobody who was let out."""
    home = tmp_path / "home"
    raw = await a_backup_and_what_came_after(home)
    for path in home.glob("journal.db*"):
        path.unlink()
    await (await opened(home)).stop()
    backup.stage(raw, PHRASE, home)
    assert not backup.is_own(home)
    backup.put_back(home)
    assert await rights(home) == (["P1", "P2"], [], "", "")
    assert not (home / "session.key").exists()


async def test_with_a_journal_that_cannot_be_read_tokens_end(tmp_path: Path) -> None:
    home = tmp_path / "home"
    raw = await a_backup_and_what_came_after(home)
    for path in home.glob("journal.db*"):
        path.unlink()
    (home / "journal.db").write_bytes(b"no database at all" * 300)
    backup.stage(raw, PHRASE, home)
    backup.put_back(home)
    assert (await rights(home))[1:3] == ([], "")


async def test_a_backup_of_a_time_before_tokens_is_put_back_too(tmp_path: Path) -> None:
    home = tmp_path / "home"
    backup.stage(await a_backup_and_what_came_after(home), PHRASE, home)
    staged = sqlite3.connect(home / backup.STAGED / "journal.db")
    staged.executescript("DROP TABLE client; DROP TABLE person")
    staged.close()
    backup.put_back(home)
    found = sqlite3.connect(home / "journal.db")
    assert found.execute("SELECT count(*) FROM act").fetchone() == (1,)
    found.close()
