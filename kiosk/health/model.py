"""Facts in, findings out: each finding names what is wrong and what to press.

A finding never blocks anything by itself; what is at risk is blocked where the risk is (facts: edge 2.3, 3(b) 8).
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

Severity = Literal["ok", "info", "warning", "error"]
State = Literal["ok", "no", "unknown"]


class PrinterFact(msgspec.Struct, frozen=True):
    """A printer as it was last seen."""

    name: str
    url: str
    state: str
    detail: str = ""
    mirror: bool = False


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the checks look at; gathered by the daemon."""

    now: datetime
    hub_url: str
    enrolled: Literal["accepted", "pending", "revoked", "none"]
    reachable: State
    last_sync: datetime | None
    backlog: int
    oldest: datetime | None
    conflicts: int
    clock_error_s: float | None
    free_bytes: int
    free_share: float
    unclean_boots: int
    recovered: str
    """What the journal had to mend at start; empty: nothing."""
    printers: tuple[PrinterFact, ...]
    devices_down: tuple[str, ...]
    unknown_prints: int
    pool_left: int | None
    config_warnings: tuple[str, ...]
    fallback_config: bool
    account_keys_here: bool
    page_proof: Literal["ok", "wrong", "stale", "none"]


class Finding(msgspec.Struct, frozen=True):
    """One thing to know."""

    name: str
    severity: Severity
    sentence: str
    suggestion: str = ""


class Light(msgspec.Struct, frozen=True):
    """One of the four lights."""

    state: State
    detail: str
