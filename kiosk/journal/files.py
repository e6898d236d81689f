"""Files beside the database: a step is on the card, content and name, when its call returns.

Flushing a file does not flush its name: after a power cut a file that was just made, moved or removed may be found as it was
before, until its directory was flushed too (fsync(2), rename(2)).
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Sequence
from pathlib import Path

PUT_BACK = "put-back"
"""Says that the journal beside it is a backup's: an older copy, also on a card that has no other witness."""
NO_NAMES = (errno.EINVAL, errno.ENOTSUP)
"""What file systems say whose directories cannot be flushed; SQLite goes on there too (sqlite.org/src: os_unix.c, unixSync)."""


def flush(path: Path) -> None:
    """Flush a file's content; may raise OSError."""
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def flush_names(directory: Path) -> None:
    """Flush which names are in a directory; may raise OSError."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as err:
        if err.errno not in NO_NAMES:
            raise
    finally:
        os.close(fd)


def mark(path: Path) -> None:
    """Make an empty file; may raise OSError."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    flush_names(path.parent)


def remove(path: Path) -> None:
    """Remove a file if it is there; after a power cut it may be back; may raise OSError."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def move(pairs: Sequence[tuple[Path, Path]]) -> None:
    """Move files within one directory, in this order; may raise OSError."""
    for source, target in pairs:
        os.replace(source, target)
    flush_names(pairs[-1][1].parent)


def put(path: Path, content: bytes) -> None:
    """Put content in place of a file: after a power cut it is the old one or the new one, whole; may raise OSError."""
    fresh = path.with_name(f"{path.name}.new")
    fd = os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        while content:
            content = content[os.write(fd, content) :]
        os.fsync(fd)
    finally:
        os.close(fd)
    move([(fresh, path)])
