"""How far the backs of each office printer are off, kept by the name of its CUPS queue.

The file is TOML, a line a queue: `"office" = [0.5, -1.0]`, right and down in mm, as the calibration sheet is read.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import msgspec

from posters.catalog import syntax_error
from posters.errors import FailedError, UsageError
from posters.files import write_all
from posters.profiles import checked_offset

ENVIRONMENT = "KIOSK_OFFSETS"
Offset = tuple[float, float]
_QUEUE = re.compile(r"[A-Za-z0-9][\w.\-]{0,126}\Z")


def file() -> Path:
    """Return where the offsets are kept: KIOSK_OFFSETS, else a file in the user's configuration."""
    given = os.environ.get(ENVIRONMENT)
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return Path(given) if given else home / "kiosk-posters" / "offsets.toml"


def checked_name(queue: str) -> str:
    """Return the name of a queue; raise UsageError for what cannot be one."""
    if not _QUEUE.match(queue):
        raise UsageError("{queue} is no name of a print queue", queue=queue)
    return queue


def known(path: Path) -> dict[str, Offset]:
    """Return every offset that is kept; a file that is none names itself and its place."""
    try:
        found = msgspec.toml.decode(path.read_bytes(), type=dict[str, Offset])
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError("{file} cannot be read: {why}", file=path, why=error.strerror or error) from error
    except msgspec.ValidationError as error:
        raise UsageError("{path}: {why}", path=path, why=str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise syntax_error(path, error) from error
    return {checked_name(queue): checked_offset(offset) for queue, offset in found.items()}


def offset_of(queue: str, path: Path) -> Offset:
    """Return the offset of a queue in mm; raise UsageError when none is kept."""
    kept = known(path)
    if checked_name(queue) not in kept:
        raise UsageError(
            "{file} keeps no offset of {queue}: print the sheet of calibrate, then kiosk-posters offset {queue} RIGHT,DOWN",
            file=path,
            queue=queue,
        )
    return kept[queue]


def keep(queue: str, offset: Offset, path: Path) -> None:
    """Keep the offset of a queue in mm; the others stay."""
    kept = {**known(path), checked_name(queue): checked_offset(offset)}
    lines = [f"{json.dumps(name)} = [{dx:.2f}, {dy:.2f}]\n" for name, (dx, dy) in sorted(kept.items())]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FailedError(
            "{file} cannot be made: {why}", file=path.parent, why=error.strerror or error
        ) from error
    write_all({path: "".join(lines).encode()})
