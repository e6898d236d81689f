"""Files that no other user of the machine may read: the databases hold signed codes that are worth money."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

log = logging.getLogger(__name__)
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_private(path: Path) -> None:
    """Make a file for its owner alone (0600), or take the others' rights from one that is there and ours; may raise OSError.

    SQLite gives the log and the shared memory the mode of the database (sqlite.org/src: os_unix.c, findCreateFileMode).
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        tighten(path)


def tighten(path: Path) -> None:
    """Take the others' rights from a file of ours; a file system without rights is told in the log."""
    # By name: to close a descriptor of a database would drop the locks that SQLite holds on it in this process.
    try:
        found = path.stat()
    except FileNotFoundError:
        return  # a log goes when the last program lets go of its database
    if found.st_uid != os.geteuid() or not found.st_mode & OTHERS:
        return
    try:
        path.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS)
    except OSError as err:
        log.warning("%s can be read by other users, which could not be changed: %s", path, err.strerror)
