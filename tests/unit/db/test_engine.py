from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import OperationalError

from tongdai.db import Database, migrate, open_database
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


async def write(db: Database, call: str) -> None:
    row = {**ROW, "call": call}
    await db.write_in_thread(lambda connection: connection.execute(insert(call_fact), [row]).close())


async def calls(db: Database) -> list[str]:
    async with db.read() as connection:
        return sorted(row.call for row in await connection.execute(select(call_fact.c.call)))


async def test_a_file_that_is_gone_is_a_database_that_fails_and_not_a_new_one(tmp_path: Path):
    """SQLite wrote on into the file that had been moved away, and made an empty one for the next connection:
    every CDR since was lost."""
    path, away = tmp_path / "db.sqlite", tmp_path / "away"
    url = f"sqlite+aiosqlite:///{path}"
    await migrate(url)
    db = open_database(url)
    await write(db, "before")
    assert await calls(db) == ["before"]
    path.rename(away)
    for work in (write(db, "meanwhile"), calls(db)):
        with pytest.raises(OperationalError, match="is gone"):
            await work
    assert not path.exists()
    away.rename(path)
    await write(db, "after")
    assert await calls(db) == ["after", "before"]
    await db.close()


async def test_a_file_that_was_replaced_is_the_database_from_then_on(tmp_path: Path):
    path, copy = tmp_path / "db.sqlite", tmp_path / "copy"
    url = f"sqlite+aiosqlite:///{path}"
    await migrate(url)
    shutil.copy(path, copy)
    db = open_database(url)
    await write(db, "before")
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    copy.rename(path)
    await write(db, "after")
    assert await calls(db) == ["after"]
    await db.close()


async def test_a_missing_file_is_made_by_migrate_alone(tmp_path: Path):
    db = open_database(f"sqlite+aiosqlite:///{tmp_path / 'none.sqlite'}")
    with pytest.raises(OperationalError, match="is gone"):
        await calls(db)
    await db.close()
    assert not (tmp_path / "none.sqlite").exists()


async def test_who_waits_for_an_answer_does_not_wait_long_for_who_writes(tmp_path: Path):
    url = f"sqlite+aiosqlite:///{tmp_path / 'db.sqlite'}"
    await migrate(url)
    db = open_database(url, busy_ms=1)
    with contextlib.closing(sqlite3.connect(tmp_path / "db.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="locked"):
            await write(db, "meanwhile")
        assert await calls(db) == [], "who reads does not wait at all"
    await write(db, "after")
    assert await calls(db) == ["after"]
    await db.close()
