"""Writes down what the real journal does to its files: SQLite's by a file system of apsw, its own through `kiosk.journal.files`.

The standard library's SQLite cannot be given a file system; apsw brings an SQLite of its own, which can. `Connection` is as much
of `sqlite3.Connection` as the journal uses. The file system passes everything on to SQLite's "unix", shared memory and locks too,
so that the log is the ordinary one.
"""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from tests.proof.card import Card, Flush, FlushNames, Truncate, Write

SYNCED_WITH_NAMES = apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_SUPER_JOURNAL
"""Files with whose first flush "unix" flushes their directory too (sqlite.org/src: os_unix.c, UNIXFILE_DIRSYNC)."""


class Recorder(apsw.VFS):
    """SQLite's file system on one card, which notes every step."""

    def __init__(self, card: Card, seed: int) -> None:
        self.card, self._rng = card, random.Random(seed)
        self.vfs = f"card-{id(self)}"
        super().__init__(self.vfs, "unix")
        # The marks of the log come from SQLite's generator, which is seeded once by the default file system.
        kept = apsw.vfs_names()[0]
        apsw.set_default_vfs(self.vfs)
        apsw.randomness(0)
        apsw.randomness(1)
        apsw.set_default_vfs(kept)

    def xRandomness(self, numbytes: int) -> bytes:
        return self._rng.randbytes(numbytes)

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:
        return RecordedFile(self.card, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        super().xDelete(filename, syncdir)
        if (name := self.card.name(filename)) is not None:
            self.card.removed(name)
            if syncdir:
                self.card.log.append(FlushNames())


class RecordedFile(apsw.VFSFile):
    """One open file; temporary ones are not noted, since none outlives its connection."""

    def __init__(self, card: Card, name: Any, flags: list[int]) -> None:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        super().__init__("unix", name, flags)
        known = card.name(path)
        self.card, self.file = card, None if known is None else card.made(known)
        self._names = bool(flags[0] & apsw.SQLITE_OPEN_CREATE and flags[0] & SYNCED_WITH_NAMES)

    def xWrite(self, data: bytes, offset: int) -> None:
        super().xWrite(data, offset)
        if self.file is not None:
            self.card.log.append(Write(self.file, offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:
        super().xTruncate(newsize)
        if self.file is not None:
            self.card.log.append(Truncate(self.file, newsize))

    def xSync(self, flags: int) -> None:
        """Note the flush; nothing is flushed truly, since what is lost is computed from the log."""
        if self.file is not None:
            self.card.log.append(Flush(self.file))
            if self._names:
                self.card.log.append(FlushNames())
                self._names = False


class RecordingOs:
    """Stands for `os` in `kiosk.journal.files`."""

    def __init__(self, card: Card) -> None:
        self._card = card
        self._open: dict[int, str | None] = {}

    def __getattr__(self, name: str) -> Any:
        if name in ("O_CREAT", "O_RDWR", "O_RDONLY", "O_CLOEXEC", "O_DIRECTORY", "O_TRUNC"):
            return getattr(os, name)
        raise AttributeError(f"the recorder does not know os.{name}")

    def open(self, path: Path, flags: int, mode: int = 0o777) -> int:
        fd = os.open(path, flags, mode)
        name = self._open[fd] = self._card.name(path)
        if name is not None:
            file = self._card.made(name)
            if flags & os.O_TRUNC:
                self._card.log.append(Truncate(file, 0))
        return fd

    def close(self, fd: int) -> None:
        del self._open[fd]
        os.close(fd)

    def write(self, fd: int, data: bytes) -> int:
        name = self._open[fd]
        if name is not None:
            self._card.log.append(Write(self._card.names[name], os.lseek(fd, 0, os.SEEK_CUR), bytes(data)))
        return os.write(fd, data)

    def fsync(self, fd: int) -> None:
        name = self._open[fd]
        self._card.log.append(FlushNames() if name is None else Flush(self._card.names[name]))

    def replace(self, source: Path, target: Path) -> None:
        os.replace(source, target)
        self._card.moved(source.name, target.name)

    def unlink(self, path: Path) -> None:
        os.unlink(path)
        self._card.removed(path.name)


class Row(tuple[Any, ...]):
    """A row by number and by name, as sqlite3.Row."""

    names: tuple[str, ...]

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(self.names.index(key) if isinstance(key, str) else key)

    def keys(self) -> list[str]:
        return list(self.names)


class Cursor:
    """As much of sqlite3.Cursor as the journal uses."""

    def __init__(self, cursor: apsw.Cursor, rowcount: int) -> None:
        self._cursor, self.rowcount = cursor, rowcount

    def __iter__(self) -> Iterator[Row]:
        while (row := self.fetchone()) is not None:
            yield row

    def fetchone(self) -> Row | None:
        with translated():
            found = next(self._cursor, None)
            if found is None:
                return None
            row = Row(found)
            row.names = tuple(column[0] for column in self._cursor.get_description())
            return row

    def fetchall(self) -> list[Row]:
        return list(self)


KINDS = {
    apsw.ConstraintError: sqlite3.IntegrityError,
    apsw.CorruptError: sqlite3.DatabaseError,
    apsw.NotADBError: sqlite3.DatabaseError,
}


@contextmanager
def translated() -> Iterator[None]:
    """Turn apsw's errors into those of sqlite3."""
    try:
        yield
    except apsw.Error as err:
        told = KINDS.get(type(err), sqlite3.OperationalError)(str(err))
        code = getattr(err, "extendedresult", 1)
        names = apsw.mapping_extended_result_codes, apsw.mapping_result_codes
        told.sqlite_errorcode = code
        told.sqlite_errorname = str(names[0].get(code) or names[1].get(code, ""))
        raise told from err


class Connection:
    """As much of sqlite3.Connection as the journal uses, on apsw."""

    def __init__(self, path: Path, vfs: str, instead: dict[str, str]) -> None:
        self._instead = instead
        self.row_factory: Any = None
        with translated():
            flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
            self._db = apsw.Connection(str(path), vfs=vfs, flags=flags)
            self._db.set_busy_timeout(2000)

    @property
    def in_transaction(self) -> bool:
        return self._db.in_transaction

    @property
    def total_changes(self) -> int:
        return self._db.total_changes()

    def execute(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> Cursor:
        with translated():
            cursor = self._db.cursor()
            given = values if isinstance(values, Mapping) else tuple(values)
            cursor.execute(self._instead.get(sql, sql), given)
            return Cursor(cursor, self._db.changes())

    def executescript(self, sql: str) -> None:
        with translated():
            self._db.execute(sql)

    def close(self) -> None:
        with translated():
            self._db.close()
