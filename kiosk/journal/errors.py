"""What can go wrong with the journal, in one sentence each."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path
from typing import Literal

Kind = Literal["readonly", "full", "newer", "corrupt", "locked", "io"]


class JournalError(Exception):
    """The journal cannot be used; `kind` says how, the text says what to do."""

    def __init__(self, kind: Kind, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind


ROOM = 64 * 1024
"""Bytes below which SQLite says "I/O error" for want of room: its index of the log alone takes 32 KiB."""


def _free(path: Path) -> int:
    """Return the free bytes where a file is; plenty when that cannot be asked."""
    try:
        found = os.statvfs(path.parent)
    except OSError:
        return ROOM
    return found.f_bavail * found.f_frsize


def explain(err: sqlite3.Error | OSError, path: Path) -> JournalError:
    """Turn an error of SQLite or the system into one that says what to do."""
    name = getattr(err, "sqlite_errorname", "") or ""
    told = str(err)
    no_room = name == "SQLITE_FULL" or getattr(err, "errno", 0) in (errno.ENOSPC, errno.EDQUOT)
    if no_room or (name.startswith("SQLITE_IOERR") and _free(path) < ROOM):
        return JournalError(
            "full", f"{path.parent}: the disk is full; free some space, nothing was half-written."
        )
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")) or isinstance(
        err, PermissionError
    ):
        return JournalError(
            "readonly", f"{path}: cannot be written ({told}); make the data directory writable for this user."
        )
    if getattr(err, "errno", 0) == errno.EROFS:
        return JournalError(
            "readonly", f"{path.parent}: is on a read-only file system; mount it writable or change data_dir."
        )
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return JournalError("corrupt", f"{path}: is damaged ({told}).")
    if name.startswith("SQLITE_BUSY"):
        return JournalError("locked", f"{path}: another program holds it; stop that program.")
    return JournalError("io", f"{path}: {told}; check the card, `kiosk doctor` says more.")
