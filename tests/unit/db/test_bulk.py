from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, text

from tongdai.db import migrate, open_database
from tongdai.db.bulk import insert_rows
from tongdai.db.tables import leg_cdr


def row(call: str, party: Any, quality: Any) -> dict[str, Any]:
    return {
        "call": call,
        "leg": "a",
        "tenant": "t1",
        "party": party,
        "person": "",
        "inbound": True,
        "purpose": "caller",
        "started": 1.5,
        "rang_at": None,
        "answered_at": 2.5,
        "ended": None,
        "cause": "normal",
        "by_us": False,
        "quality": quality,
    }


async def test_rows_of_a_batch_are_those_that_sqlalchemy_writes(tmp_path: Path):
    url = f"sqlite+aiosqlite:///{tmp_path / 'x.db'}"
    await migrate(url)
    db = open_database(url)
    party, quality = {"kind": "person", "name": "Nguyễn “A”"}, {"mos": 4.4, "lost": 0.0}
    written = [row("1", party, quality), row("2", party, None)]

    def write(connection: Connection) -> None:
        connection.execute(insert(leg_cdr), written)
        insert_rows(
            connection,
            leg_cdr,
            [row(str(n), json.dumps(party), json.dumps(x)) for n, x in ((3, quality), (4, None))],
        )
        insert_rows(connection, leg_cdr, [])

    await db.write_in_thread(write)

    def read(connection: Connection) -> tuple[list[Any], list[Any]]:
        kinds = ", ".join(f"typeof({column.name})" for column in leg_cdr.columns)
        raw = connection.execute(text(f"SELECT {kinds}, quality FROM leg_cdr ORDER BY call"))
        return [tuple(x)[1:] for x in connection.execute(select(leg_cdr).order_by(leg_cdr.c.call))], [*raw]

    values, kinds = await db.read_in_thread(read)
    await db.close()
    assert values[:2] == values[2:]
    assert kinds[:2] == kinds[2:]


@pytest.mark.parametrize("count", [1, 3, 4, 63, 64, 65, 85, 150])
async def test_every_row_is_written_however_many_there_are(tmp_path: Path, count: int):
    url = f"sqlite+aiosqlite:///{tmp_path / 'x.db'}"
    await migrate(url)
    db = open_database(url)
    calls = [f"{n:03}" for n in range(count)]
    await db.write_in_thread(
        lambda c: insert_rows(c, leg_cdr, [row(call, f'"{call}"', None) for call in calls])
    )
    query = select(leg_cdr.c.call, leg_cdr.c.party).order_by(leg_cdr.c.call)
    found = await db.read_in_thread(lambda connection: [tuple(x) for x in connection.execute(query)])
    await db.close()
    assert found == [(call, call) for call in calls]
