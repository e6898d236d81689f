"""Statements of the hot path: written with SQLAlchemy Core, compiled once a dialect, run by the bare driver.

A statement through Core costs about 60 µs of Python besides the driver's own 10 (benchmarks/hub_decision.py); a decision has
five. JSON goes in and comes out as text here, times as `stamp` gives them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.schema import Utc

_UTC = Utc()


def spelt(value: str | int) -> sa.ColumnElement[Any]:
    """Return a value that stands in the statement itself: a partial index is used where that says what the index is of."""
    return sa.literal_column(f"'{value}'" if isinstance(value, str) else str(value))


class Prepared:
    """One statement."""

    def __init__(self, statement: sa.Executable) -> None:
        self._statement = statement
        self._compiled: dict[str, tuple[str, list[str] | None, dict[str, Any] | None]] = {}

    def run(self, c: sa.Connection, **values: Any) -> Any:
        """Run it in the transaction of a connection and return the driver's cursor."""
        known = self._compiled.get(c.dialect.name) or self._compile(c.dialect)
        sql, order, fixed = known
        given = values if fixed is None else {**fixed, **values}
        cursor = c.connection.cursor()
        cursor.execute(sql, given if order is None else [given[name] for name in order])
        return cursor

    def _compile(self, dialect: sa.Dialect) -> tuple[str, list[str] | None, dict[str, Any] | None]:
        compiled: Any = self._statement.compile(dialect=dialect)  # type: ignore[attr-defined]
        order = list(compiled.positiontup) if compiled.positional else None
        fixed = {name: value for name, value in compiled.params.items() if value is not None}
        known = self._compiled[dialect.name] = (compiled.string, order, fixed or None)
        return known


def stamp(c: sa.Connection, at: datetime | None) -> Any:
    """Return a time as the driver takes it."""
    return _UTC.process_bind_param(at, c.dialect)
