from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select

from tongdai.db import migrate, open_database
from tongdai.db.tables import call_fact

ROW = {"call": "c", "seq": 1, "tenant": "t", "at": 1.0, "fact": b"[]"}


async def test_a_job_in_a_thread_is_one_transaction(tmp_path: Path):
    url = f"sqlite+aiosqlite:///{tmp_path / 'db.sqlite'}"
    await migrate(url)
    db = open_database(url)

    def stumble(connection: Connection) -> None:
        connection.execute(insert(call_fact), [ROW])
        raise ValueError("in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        await db.write_in_thread(stumble)
    async with db.read() as connection:
        assert list(await connection.execute(select(call_fact))) == []
    await db.write_in_thread(lambda connection: connection.execute(insert(call_fact), [ROW]).close())
    async with db.read() as connection:
        assert len(list(await connection.execute(select(call_fact)))) == 1
    await db.close()
