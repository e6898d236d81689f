"""Logging to standard error; under systemd with the priority that its journal reads (sd-daemon(3))."""

from __future__ import annotations

import logging
import os
import sys

WITH_TIME = "%(asctime)s %(levelname)s %(name)s: %(message)s"
PRIORITY = {"CRITICAL": 2, "ERROR": 3, "WARNING": 4, "INFO": 6, "DEBUG": 7}


def set_up_logging(level: str) -> None:
    """Log from a level on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(ForJournal() if os.environ.get("JOURNAL_STREAM") else logging.Formatter(WITH_TIME))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


class ForJournal(logging.Formatter):
    """Marks each line with its priority; the journal knows the time itself."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of a record."""
        mark = f"<{PRIORITY.get(record.levelname, 6)}>"
        told = f"{record.name}: {super().format(record)}"
        return "\n".join(mark + line for line in told.splitlines())
