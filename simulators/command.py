"""What the commands of all simulators share: ports as they are typed, and one sentence when one cannot be had."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Coroutine
from typing import Any

FAILED = 4


def port(text: str) -> int:
    """Read a port number; 0 picks a free one."""
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a port; ports go from 1 to 65535, 0 picks a free one"
        )
    return int(text)


def serve(name: str, main: Coroutine[Any, Any, None]) -> None:
    """Run a simulator to its end; an address that cannot be had ends it with one sentence and exit 4."""
    try:
        asyncio.run(main)
    except OSError as err:
        print(f"{name}: cannot listen ({err}); stop what uses it, or name another port.", file=sys.stderr)
        sys.exit(FAILED)
