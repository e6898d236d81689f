"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from posters.errors import FailedError

_OURS = re.compile(r"\..{1,40}\.[a-z0-9_]{8}\.part")  # as tempfile names them


def write_all(files: dict[Path, bytes]) -> None:
    """Write every file beside its place first, then move all of them in; on failure none is left behind."""
    waiting: list[tuple[Path, Path]] = []
    current = Path()
    try:
        for current, data in files.items():
            waiting.append((_beside(current, data), current))
        while waiting:
            temporary, current = waiting[0]
            os.replace(temporary, current)
            waiting.pop(0)
    except OSError as error:
        raise FailedError(
            "{file} could not be written: {why}; nothing was changed there",
            file=current,
            why=error.strerror or str(error),
        ) from error
    finally:
        for temporary, _ in waiting:
            temporary.unlink(missing_ok=True)


def sweep(directory: Path) -> None:
    """Take away what a process that was killed left of files it had not finished."""
    for path in directory.glob(".*.part"):
        if _OURS.fullmatch(path.name):
            path.unlink(missing_ok=True)


def _beside(path: Path, data: bytes) -> Path:
    """Write the data to a temporary file in the same directory and flush it to the disk."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".part", dir=path.parent or Path())
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
