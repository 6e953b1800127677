"""A database: an async SQLAlchemy engine with one way to read and one way to write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

BUSY_TIMEOUT_MS = 5_000
_WRITE = "tongdai_write"

T = TypeVar("T")


class Database:
    """What stores are given. Close it when done."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._writer = engine.execution_options(**{_WRITE: True})
        self._plain: Engine | None = None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees one consistent state and writes nothing."""
        async with self.engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that may write: committed at the end of the block, rolled back when it raises."""
        async with self._writer.begin() as connection:
            yield connection

    async def write_in_thread(self, job: Callable[[Connection], None]) -> None:
        """`write`, with the whole transaction in a thread: for bulk writes behind the signalling loop, on
        which an async connection would spend a millisecond per transaction to hand its statements over one
        by one."""
        await asyncio.to_thread(_run, self._in_threads().execution_options(**{_WRITE: True}), job)

    async def read_in_thread(self, job: Callable[[Connection], T]) -> T:
        """`read`, with the whole transaction in a thread."""
        return await asyncio.to_thread(_run, self._in_threads(), job)

    def _in_threads(self) -> Engine:
        if self._plain is None:
            self._plain = _plain(self.engine)
        return self._plain

    async def close(self) -> None:
        if self._plain is not None:
            self._plain.dispose()
        await self.engine.dispose()


def open_database(url: str) -> Database:
    """A database by its SQLAlchemy URL, e.g. `sqlite+aiosqlite:////var/lib/tongdai/tongdai.db`.

    Opens no connection yet; the tables are made by `migrate`.
    """
    engine = create_async_engine(url)
    if make_url(url).get_backend_name() == "sqlite":
        _prepare_sqlite(engine.sync_engine)
    return Database(engine)


def _plain(engine: AsyncEngine) -> Engine:
    """The same database without asyncio. (psycopg does both under one name, SQLite has a driver for each.)"""
    sqlite = engine.url.get_backend_name() == "sqlite"
    plain = create_engine(engine.url.set(drivername="sqlite") if sqlite else engine.url)
    if sqlite:
        _prepare_sqlite(plain)
    return plain


def _run(engine: Engine, job: Callable[[Connection], T]) -> T:
    with engine.begin() as connection:
        return job(connection)


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: Any) -> None:
        # The driver would begin transactions by itself, and only at the first write: `begun` does it instead.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        # A transaction that reads first and writes later fails at once when another process has written in
        # between, whatever the busy timeout. A writer takes the lock at its beginning and waits for its turn.
        writes = connection.get_execution_options().get(_WRITE, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
