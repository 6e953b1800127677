"""The tables of the next version: `-p tests.next_schema` runs tests of this version on what the next one may
make of its database (expand, and contract a version later): each table has more columns, there is one more
table, and the migration is one that this version does not know."""

from __future__ import annotations

import sys

from sqlalchemy import Connection, inspect

import tongdai.db  # noqa: F401  # loads the module that is changed here
from tongdai.db.tables import metadata

migrations = sys.modules["tongdai.db.migrate"]
_to_this_version = migrations._upgrade


def _to_the_next(connection: Connection) -> None:
    _to_this_version(connection)
    if inspect(connection).has_table("next_thing"):
        return
    for table in metadata.sorted_tables:
        for column in ("next_note VARCHAR", "next_count INTEGER DEFAULT 7 NOT NULL"):
            connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {column}")
        connection.exec_driver_sql(f"CREATE INDEX next_{table.name} ON {table.name} (next_count)")
    connection.exec_driver_sql("CREATE TABLE next_thing (id VARCHAR PRIMARY KEY)")
    connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'next'")


migrations._upgrade = _to_the_next  # type: ignore[attr-defined]
