"""What a renderer says of its work: nothing is dropped silently."""

from __future__ import annotations

from typing import Any

import msgspec


class Report(msgspec.Struct, frozen=True):
    """What was lost or degraded; `height_dots` is None where the printer decides."""

    lost: tuple[str, ...]
    degraded: tuple[str, ...]
    columns: int
    height_dots: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the form of `--report`."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return {**plain, "lost": list(self.lost), "degraded": list(self.degraded)}


class Rendered(msgspec.Struct, frozen=True):
    """The output of a renderer."""

    data: bytes
    report: Report
