"""The Unix socket over which programs of this machine reach the daemon; the kernel says who they are (unix(7)).

It lies in the unit's runtime directory, which is no write to the card, and is found through the data directory. A path may
have 107 bytes; through a descriptor of its directory any will do.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

NAME = "api.sock"
MODE = 0o660
BACKLOG = 64


@contextlib.contextmanager
def short(path: Path) -> Iterator[str]:
    """Lend an address for a path, however long it is."""
    fd = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{fd}/{path.name}"
    finally:
        os.close(fd)


def place(data_dir: Path) -> Path:
    """Return where the daemon's socket is made: the unit's runtime directory, else the data directory."""
    runtime = os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    return Path(runtime or data_dir) / NAME


def listen(data_dir: Path) -> socket.socket:
    """Return a listening socket, and let the data directory point to it; OSError says what stands in the way."""
    path, sock = place(data_dir), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _clear(path)
        with short(path) as address:
            sock.bind(address)
        path.chmod(MODE)
        if path.parent != data_dir:
            _clear(data_dir / NAME)
            (data_dir / NAME).symlink_to(path)
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def remove(data_dir: Path) -> None:
    """Remove the socket and what points to it."""
    for path in {place(data_dir), data_dir / NAME}:
        _clear(path)


def _clear(path: Path) -> None:
    """Remove a socket or a link to one; anything else is not ours."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not (stat.S_ISSOCK(mode) or stat.S_ISLNK(mode)):
        raise FileExistsError(17, "a file of that name is no socket", str(path))
    path.unlink()


def connect(data_dir: Path, timeout_s: float) -> socket.socket:
    """Return a connection to the daemon of a data directory; OSError when there is none."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(timeout_s)
    try:
        with short(data_dir / NAME) as address:
            sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock
