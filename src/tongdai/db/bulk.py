"""Many rows at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Table, insert

AT_ONCE = (64, 16, 4, 1)
"""Rows of one statement, as many as there are left. After each statement the driver has to ask for the
interpreter's lock again, which the signalling loop has: with one for each row the two stop each other all the
time. Few sizes, as the driver keeps only so many statements prepared."""


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that have a value for every column, each as the driver takes it: JSON as its text. It does
    what `execute(insert(table), rows)` does but for what SQLAlchemy looks at in each value, which costs as
    much as the database does."""
    done = 0
    for size in AT_ONCE:
        statement, values = _statement(table, connection.dialect, size)
        ends = range(done + size, len(rows) + 1, size)
        groups = [tuple(chain.from_iterable(map(values, rows[end - size : end]))) for end in ends]
        if groups:
            connection.exec_driver_sql(statement, groups)
        done += size * len(groups)


@lru_cache(maxsize=64)
def _statement(table: Table, dialect: Dialect, rows: int) -> tuple[str, itemgetter[Any]]:
    """The text for so many rows, and what takes the parameters of one in their order (SQLite's have no
    names)."""
    compiled = insert(table).compile(dialect=dialect)
    names = compiled.positiontup
    assert names is not None
    return str(compiled) + f", ({', '.join('?' * len(names))})" * (rows - 1), itemgetter(*names)
