"""Many rows at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Table, insert


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that have a value for every column, each as the driver takes it: JSON as its text. It does
    what `execute(insert(table), rows)` does but for what SQLAlchemy looks at in each value, which costs as
    much as the database does."""
    if not rows:
        return
    statement, values = _statement(table, connection.dialect)
    connection.exec_driver_sql(statement, list(map(values, rows)))


@lru_cache(maxsize=64)
def _statement(table: Table, dialect: Dialect) -> tuple[str, itemgetter[Any]]:
    """The text, and what takes its parameters out of a row in their order (SQLite's have no names)."""
    compiled = insert(table).compile(dialect=dialect)
    assert compiled.positiontup is not None
    return str(compiled), itemgetter(*compiled.positiontup)
