"""What the daemon needs before and around its parts: a directory, an identity, a token, and an end within bounds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from kiosk.sync.identity import Identity

log = logging.getLogger(__name__)
PART_S = 3.0
"""How long one part may take to stop; all of them together stay below the 5 s that systemd and the shop expect."""


class DaemonError(Exception):
    """Why the daemon cannot run: one sentence."""

    def __init__(self, sentence: str, *, usage: bool = False) -> None:
        super().__init__(sentence)
        self.usage = usage


def later(stack: AsyncExitStack, stop: Callable[[], Awaitable[Any]], name: str) -> None:
    """Stop a part when the stack unwinds, within its time; the others are stopped all the same."""

    async def bounded() -> None:
        try:
            async with asyncio.timeout(PART_S):
                await stop()
        except TimeoutError:
            log.warning("%s did not stop within %g s", name, PART_S)
        except Exception:
            log.exception("%s did not stop cleanly", name)

    stack.push_async_callback(bounded)


def make_dir(path: Path) -> None:
    """Make the data directory, for its owner alone; raise DaemonError."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as err:
        raise DaemonError(
            f"{path}: cannot be made ({err.strerror}); make it, or name another data_dir in kiosk.toml."
        ) from err


def own_identity(data_dir: Path) -> Identity:
    """Return who this kiosk is, made at its first start; raise DaemonError."""
    try:
        return Identity.load_or_create(data_dir)
    except (OSError, ValueError) as err:
        raise DaemonError(
            f"{data_dir / 'device.key'}: cannot be used ({err}); restore it from a backup, or remove it and enrol this kiosk anew."
        ) from err


def enrolment_token(file: str) -> str | None:
    """Return the token to enrol with, or None where there is none (any more); raise DaemonError."""
    if not file:
        return None
    try:
        return Path(file).read_text("utf-8").strip() or None
    except FileNotFoundError:
        return None  # it is read once: installers remove it afterwards
    except (OSError, UnicodeDecodeError) as err:
        raise DaemonError(
            f"hub.token_file {file}: cannot be read ({err}); correct the path.", usage=True
        ) from err
